import { MillraceError } from '../platform/index.ts'
import type { TopicPartition } from './options.ts'

/** What a member tells the leader, in the format that every consumer of the group shares (`ConsumerProtocolSubscription`). */
export interface MemberSubscription {
  topics: readonly string[]
  userData: Uint8Array | null
  /** Version 1+ (KIP-429). */
  ownedPartitions: readonly TopicPartitions[]
  /** Version 2+ (KIP-792); −1 unknown. */
  generationId: number
}

export interface TopicPartitions {
  topic: string
  partitions: readonly number[]
}

/** What the leader gives a member (`ConsumerProtocolAssignment`). */
export interface MemberAssignment {
  partitions: readonly TopicPartitions[]
  userData: Uint8Array | null
}

const SUBSCRIPTION_VERSION = 2
const ASSIGNMENT_VERSION = 1

export function encodeSubscription(subscription: MemberSubscription): Uint8Array {
  const out = new Output()
  out.int16(SUBSCRIPTION_VERSION)
  out.int32(subscription.topics.length)
  for (const topic of subscription.topics) out.string(topic)
  out.bytes(subscription.userData)
  out.topicPartitions(subscription.ownedPartitions)
  out.int32(subscription.generationId)
  return out.whole()
}

/** Reads every version: fields of later ones are left unread. Throws PROTOCOL. */
export function decodeSubscription(bytes: Uint8Array): MemberSubscription {
  const input = new Input(bytes)
  const version = input.int16()
  const topics = Array.from({ length: input.count() }, () => input.string())
  const userData = input.bytes()
  const ownedPartitions = version >= 1 ? input.topicPartitions() : []
  return { topics, userData, ownedPartitions, generationId: version >= 2 ? input.int32() : -1 }
}

export function encodeAssignment(assignment: MemberAssignment): Uint8Array {
  const out = new Output()
  out.int16(ASSIGNMENT_VERSION)
  out.topicPartitions(assignment.partitions)
  out.bytes(assignment.userData)
  return out.whole()
}

/** No bytes at all (a member without an assignment) read as an empty one. Throws PROTOCOL. */
export function decodeAssignment(bytes: Uint8Array): MemberAssignment {
  if (bytes.byteLength === 0) return { partitions: [], userData: null }
  const input = new Input(bytes)
  input.int16()
  return { partitions: input.topicPartitions(), userData: input.bytes() }
}

/** One by one. */
export function flatPartitions(grouped: readonly TopicPartitions[]): TopicPartition[] {
  return grouped.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

class Output {
  readonly #parts: Uint8Array[] = []

  int16(value: number): void {
    const part = Buffer.alloc(2)
    part.writeInt16BE(value)
    this.#parts.push(part)
  }

  int32(value: number): void {
    const part = Buffer.alloc(4)
    part.writeInt32BE(value)
    this.#parts.push(part)
  }

  string(value: string): void {
    const part = Buffer.from(value)
    this.int16(part.byteLength)
    this.#parts.push(part)
  }

  bytes(value: Uint8Array | null): void {
    this.int32(value ? value.byteLength : -1)
    if (value) this.#parts.push(value)
  }

  topicPartitions(list: readonly TopicPartitions[]): void {
    this.int32(list.length)
    for (const { topic, partitions } of list) {
      this.string(topic)
      this.int32(partitions.length)
      for (const partition of partitions) this.int32(partition)
    }
  }

  whole(): Uint8Array {
    return Buffer.concat(this.#parts)
  }
}

class Input {
  readonly #view: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  int16(): number {
    return this.#view.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#view.readInt32BE(this.#take(4))
  }

  /** Number of elements that follow: more than there are bytes left is malformed. */
  count(): number {
    const count = this.int32()
    if (count < 0 || count > this.#view.byteLength - this.#at) throw malformed()
    return count
  }

  string(): string {
    const length = this.int16()
    const from = this.#take(length)
    return this.#view.toString('utf8', from, from + length)
  }

  bytes(): Uint8Array | null {
    const length = this.int32()
    if (length < 0) return null
    const from = this.#take(length)
    return this.#view.subarray(from, from + length)
  }

  topicPartitions(): TopicPartitions[] {
    return Array.from({ length: this.count() }, () => {
      const topic = this.string()
      return { topic, partitions: Array.from({ length: this.count() }, () => this.int32()) }
    })
  }

  #take(length: number): number {
    const from = this.#at
    if (length < 0 || from + length > this.#view.byteLength) throw malformed()
    this.#at += length
    return from
  }
}

function malformed(): MillraceError {
  return new MillraceError('PROTOCOL', "A member's subscription or assignment in the consumer group cannot be read.")
}
