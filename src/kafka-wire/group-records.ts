import { Reader } from './reader.ts'
import { message, type Message } from './schema/api.ts'
import type { Fields, FullBody, SparseBody } from './schema/fields.ts'
import { array, arrayOf, bytes, int32, int64, int8, string, struct, uuid } from './schema/index.ts'
import { Writer } from './writer.ts'

/** One kind of record in `__consumer_offsets`: keys begin with its number, values with their version (int16 each). */
export interface RecordKind<Key, Value, SparseKey = NoInfer<Key>, SparseValue = NoInfer<Value>> {
  readonly number: number
  readonly key: Message<Key, SparseKey>
  readonly value: Message<Value, SparseValue>
  encodeKey(key: SparseKey): Uint8Array
  encodeValue(value: SparseValue): Uint8Array
  /** Behind the number; throws WireError. */
  readKey(reader: Reader): Key
  /** The whole value; throws WireError, also for a version that is not known. */
  readValue(bytes: Uint8Array): Value
}

const valueVersion = 0

function kind<K extends Fields, V extends Fields>(
  number: number,
  name: string,
  keyFields: K,
  valueFields: V,
): RecordKind<FullBody<K>, FullBody<V>, SparseBody<K>, SparseBody<V>> {
  const key = message(`${name}Key`, [0, 0], null, keyFields)
  const value = message(`${name}Value`, [0, valueVersion], 0, valueFields)
  return {
    number,
    key,
    value,
    encodeKey(body) {
      const writer = new Writer()
      writer.int16(number)
      key.writeTo(writer, 0, body)
      return writer.whole()
    },
    encodeValue(body) {
      const writer = new Writer()
      writer.int16(valueVersion)
      value.writeTo(writer, valueVersion, body)
      return writer.whole()
    },
    readKey: (reader) => key.readFrom(reader, 0),
    readValue(bytes) {
      const reader = new Reader(bytes)
      return value.readFrom(reader, reader.int16())
    },
  }
}

const group = { groupId: string() }
const member = { groupId: string(), memberId: string() }
const assigned = () =>
  array({
    topicId: uuid(),
    partitions: arrayOf('int32'),
    assignmentEpochs: arrayOf('int32', { nullableFrom: 0, tag: 0, taggedFrom: 0, default: null }),
  })

/** The group and its epoch, with a digest of the topics that its members read. */
export const consumerGroupMetadata = kind(3, 'ConsumerGroupMetadata', group, {
  epoch: int32(),
  metadataHash: int64({ tag: 0, taggedFrom: 0, default: 0n }),
})

/** What a member says of itself. */
export const consumerGroupMemberMetadata = kind(5, 'ConsumerGroupMemberMetadata', member, {
  instanceId: string({ nullableFrom: 0 }),
  rackId: string({ nullableFrom: 0 }),
  clientId: string(),
  clientHost: string(),
  subscribedTopicNames: arrayOf('string'),
  subscribedTopicRegex: string({ nullableFrom: 0 }),
  rebalanceTimeoutMs: int32({ default: -1 }),
  serverAssignor: string({ nullableFrom: 0 }),
  classicMemberMetadata: struct(
    { sessionTimeoutMs: int32(), supportedProtocols: array({ name: string(), metadata: bytes() }) },
    { nullableFrom: 0, tag: 0, taggedFrom: 0, default: null },
  ),
})

/** The epoch whose target assignment stands. */
export const consumerGroupTargetAssignmentMetadata = kind(6, 'ConsumerGroupTargetAssignmentMetadata', group, {
  assignmentEpoch: int32(),
  assignmentTimestamp: int64({ tag: 0, taggedFrom: 0, default: 0n, ignorable: true }),
})

/** What a member is to have. */
export const consumerGroupTargetAssignmentMember = kind(7, 'ConsumerGroupTargetAssignmentMember', member, {
  topicPartitions: array({ topicId: uuid(), partitions: arrayOf('int32') }),
})

/** What a member has. */
export const consumerGroupCurrentMemberAssignment = kind(8, 'ConsumerGroupCurrentMemberAssignment', member, {
  memberEpoch: int32(),
  previousMemberEpoch: int32(),
  state: int8(),
  assignedPartitions: assigned(),
  partitionsPendingRevocation: assigned(),
})

/** The topics that a pattern stands for. */
export const consumerGroupRegularExpression = kind(
  16,
  'ConsumerGroupRegularExpression',
  { groupId: string(), regularExpression: string() },
  { topics: arrayOf('string'), version: int64(), timestamp: int64() },
)

/** All of them, by number. */
export const groupRecordKinds: readonly { readonly number: number; readonly key: Message<unknown>; readonly value: Message<unknown> }[] = [
  consumerGroupMetadata,
  consumerGroupMemberMetadata,
  consumerGroupTargetAssignmentMetadata,
  consumerGroupTargetAssignmentMember,
  consumerGroupCurrentMemberAssignment,
  consumerGroupRegularExpression,
]
