import { errorCodes } from '../../kafka-wire/index.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import type { CommitInput } from './coordinator.ts'
import type { Group } from './group.ts'

/** A group whose members agree among themselves, or one whose assignments the broker makes (KIP-848). */
export type AnyGroup = Group | ConsumerGroup

/** Whether offsets may be committed so, or the error code to answer. */
export function mayCommit(group: AnyGroup, { memberId, instanceId, generationId, knowsEpochs, producer, offsets }: CommitInput): number {
  const transactional = producer !== undefined
  if (group.kind === 'classic') return group.mayCommit(memberId, instanceId, generationId, transactional)
  if (!knowsEpochs && memberId !== '' && !group.hasClassic(memberId)) return errorCodes.UNSUPPORTED_VERSION
  return group.mayCommit(memberId, generationId, transactional, offsets)
}
