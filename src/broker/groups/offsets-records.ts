import { Reader, Writer } from '../../kafka-wire/index.ts'
import { readConsumerRecord, type ConsumerRecord } from './consumer/records.ts'
import type { GroupSnapshot } from './member.ts'

/**
 * Records of `__consumer_offsets` in Kafka's own format (never flexible up to value version 3): the key is a version int16
 * (0 or 1: an offset commit; 2: group metadata) and what it is about; a null value deletes.
 */
export interface CommittedOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
}

export type OffsetsRecord =
  | { is: 'offset'; group: string; topic: string; partition: number; committed: CommittedOffset | null }
  | { is: 'group'; group: string; snapshot: GroupSnapshot | null }
  | { is: 'consumer'; record: ConsumerRecord }
  /** The partitions a consumer group read, which Kafka wrote before 4.1 and nobody needs. */
  | { is: 'passed' }
  /** Of a version this broker does not know. */
  | { is: 'unknown' }

const partitionMetadata = 4

export function offsetKey(group: string, topic: string, partition: number): Uint8Array {
  const writer = new Writer()
  writer.int16(1)
  writer.string(group, false)
  writer.string(topic, false)
  writer.int32(partition)
  return writer.whole()
}

/** Version 3. */
export function offsetValue(committed: CommittedOffset): Uint8Array {
  const writer = new Writer()
  writer.int16(3)
  writer.int64(BigInt(committed.offset))
  writer.int32(committed.leaderEpoch)
  writer.string(committed.metadata, false)
  writer.int64(BigInt(committed.commitTimestampMs))
  return writer.whole()
}

export function groupKey(group: string): Uint8Array {
  const writer = new Writer()
  writer.int16(2)
  writer.string(group, false)
  return writer.whole()
}

/** Version 3. */
export function groupValue(snapshot: GroupSnapshot): Uint8Array {
  const writer = new Writer()
  writer.int16(3)
  writer.string(snapshot.protocolType, false)
  writer.int32(snapshot.generationId)
  writer.string(snapshot.protocolName, false)
  writer.string(snapshot.leader, false)
  writer.int64(BigInt(snapshot.stateTimestampMs))
  writer.int32(snapshot.members.length)
  for (const member of snapshot.members) {
    writer.string(member.id, false)
    writer.string(member.instanceId, false)
    writer.string(member.clientId, false)
    writer.string(member.clientHost, false)
    writer.int32(member.rebalanceTimeoutMs)
    writer.int32(member.sessionTimeoutMs)
    writer.bytes(member.subscription, false)
    writer.bytes(member.assignment, false)
  }
  return writer.whole()
}

/** Reads one record; throws WireError when it is not what its version says. */
export function readOffsetsRecord(key: Uint8Array, value: Uint8Array | null): OffsetsRecord {
  const reader = new Reader(key)
  const version = reader.int16()
  if (version === 0 || version === 1) {
    const at = { group: text(reader), topic: text(reader), partition: reader.int32() }
    const committed = value === null ? null : readOffsetValue(new Reader(value))
    return committed === 'unknown' ? { is: 'unknown' } : { is: 'offset', ...at, committed }
  }
  if (version === partitionMetadata) return { is: 'passed' }
  if (version !== 2) {
    const record = readConsumerRecord(version, reader, value)
    return record ? { is: 'consumer', record } : { is: 'unknown' }
  }
  const group = text(reader)
  const snapshot = value === null ? null : readGroupValue(new Reader(value))
  return snapshot === 'unknown' ? { is: 'unknown' } : { is: 'group', group, snapshot }
}

function text(reader: Reader, flexible = false): string {
  return reader.string(flexible) ?? ''
}

function bytes(reader: Reader, flexible = false): Uint8Array {
  return Uint8Array.from(reader.bytes(flexible) ?? [])
}

/** From this version on both values are flexible; Kafka 4.4 writes it, an offset's topic id as a tag. */
const flexibleFrom = 4

function readOffsetValue(reader: Reader): CommittedOffset | 'unknown' {
  const version = reader.int16()
  if (version < 0 || version > flexibleFrom) return 'unknown'
  const offset = Number(reader.int64())
  const leaderEpoch = version >= 3 ? reader.int32() : -1
  return { offset, leaderEpoch, metadata: text(reader, version >= flexibleFrom), commitTimestampMs: Number(reader.int64()) }
}

function readGroupValue(reader: Reader): GroupSnapshot | 'unknown' {
  const version = reader.int16()
  if (version < 0 || version > flexibleFrom) return 'unknown'
  const flexible = version >= flexibleFrom
  const head = {
    protocolType: text(reader, flexible),
    generationId: reader.int32(),
    protocolName: reader.string(flexible),
    leader: reader.string(flexible),
    stateTimestampMs: version >= 2 ? Number(reader.int64()) : -1,
  }
  const members: GroupSnapshot['members'][number][] = []
  for (let left = reader.length(flexible); left > 0; left--) {
    const id = text(reader, flexible)
    const instanceId = version >= 3 ? reader.string(flexible) : null
    const clientId = text(reader, flexible)
    const clientHost = text(reader, flexible)
    const rebalanceTimeoutMs = version >= 1 ? reader.int32() : 0
    const sessionTimeoutMs = reader.int32()
    members.push({
      id,
      instanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs: version >= 1 ? rebalanceTimeoutMs : sessionTimeoutMs,
      sessionTimeoutMs,
      subscription: bytes(reader, flexible),
      assignment: bytes(reader, flexible),
    })
    if (flexible) reader.skipTaggedFields()
  }
  return { ...head, members }
}
