import { Reader, WireError, Writer } from '../../kafka-wire/index.ts'

/** Partition numbers by topic name. */
export interface NamedPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** What a consumer of the classic protocol says of itself in its JoinGroup. */
export interface Subscription {
  readonly version: number
  readonly topics: readonly string[]
  /** Version 1+ (KIP-429): what it goes on reading while the group rebalances. */
  readonly owned: readonly NamedPartitions[]
  /** Version 3+ (KIP-881). */
  readonly rackId: string | null
}

/**
 * ConsumerProtocolSubscription: version int16, topics array of strings, user data bytes; from version 1 on owned partitions, from 2 on a
 * generation int32, from 3 on a rack. Later versions only add. Null when the bytes are none.
 */
export function readSubscription(metadata: Uint8Array): Subscription | null {
  return parsed(metadata, (reader) => {
    const version = reader.int16()
    if (version < 0) return null
    const topics = list(reader, 2, () => reader.string(false) ?? '')
    reader.bytes(false)
    const owned = version >= 1 ? readPartitions(reader) : []
    if (version >= 2) reader.int32()
    return { version, topics, owned, rackId: version >= 3 ? reader.string(false) : null }
  })
}

/** The topics alone, also where what follows them cannot be read; null when the bytes are no subscription. */
export function subscribedTopics(metadata: Uint8Array): readonly string[] | null {
  return parsed(metadata, (reader) => (reader.int16() < 0 ? null : list(reader, 2, () => reader.string(false) ?? '')))
}

/** What the leader of a classic group assigned; `hasUserData` where its assignor said more than partitions. */
export interface Assignment {
  readonly partitions: readonly NamedPartitions[]
  readonly hasUserData: boolean
}

/** ConsumerProtocolAssignment: version int16, partitions by topic, user data bytes. No bytes at all are nothing assigned; null when they are none. */
export function readAssignment(bytes: Uint8Array): Assignment | null {
  if (bytes.length === 0) return { partitions: [], hasUserData: false }
  return parsed(bytes, (reader) => {
    if (reader.int16() < 0) return null
    const partitions = readPartitions(reader)
    return { partitions, hasUserData: (reader.bytes(false)?.length ?? 0) > 0 }
  })
}

/** The newest version of an assignment; a subscription of a later one is answered in this, as Kafka does. */
const newestAssignment = 3

/** As `readAssignment` reads it, in the version of the member's subscription. */
export function writeAssignment(version: number, assigned: readonly NamedPartitions[]): Uint8Array {
  const writer = new Writer()
  writer.int16(Math.min(version, newestAssignment))
  writer.length(assigned.length, false)
  for (const { topic, partitions } of assigned) {
    writer.string(topic, false)
    writer.length(partitions.length, false)
    for (const partition of partitions) writer.int32(partition)
  }
  writer.bytes(null, false)
  return writer.whole()
}

function readPartitions(reader: Reader): NamedPartitions[] {
  return list(reader, 6, () => ({ topic: reader.string(false) ?? '', partitions: list(reader, 4, () => reader.int32()) }))
}

function list<T>(reader: Reader, minSize: number, read: () => T): T[] {
  return Array.from({ length: reader.arrayLength(false, minSize) ?? 0 }, read)
}

function parsed<T>(bytes: Uint8Array, read: (reader: Reader) => T): T | null {
  try {
    return read(new Reader(bytes))
  } catch (error) {
    if (error instanceof WireError) return null
    throw error
  }
}
