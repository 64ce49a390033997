import type { ConsumerGroup } from './consumer/consumer-group.ts'
import type { Group } from './group.ts'

/** A group whose members agree among themselves, or one whose assignments the broker makes (KIP-848). */
export type AnyGroup = Group | ConsumerGroup
