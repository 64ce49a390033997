import {
  consumerGroupCurrentMemberAssignment as currentKind,
  consumerGroupMemberMetadata as memberKind,
  consumerGroupMetadata as groupKind,
  consumerGroupRegularExpression as patternKind,
  consumerGroupTargetAssignmentMember as targetKind,
  consumerGroupTargetAssignmentMetadata as targetEpochKind,
  Reader,
} from '../../../kafka-wire/index.ts'
import type { ConsumerGroupImage } from './image.ts'
import { memberStates, type ConsumerMember } from './member.ts'
import { fromList, listed, type Assigned, type Partitions } from './partitions.ts'

/** A record to write; a null value deletes. */
export interface RecordEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

export type Identity = Pick<
  ConsumerMember,
  | 'instanceId'
  | 'rackId'
  | 'clientId'
  | 'clientHost'
  | 'subscribedTopicNames'
  | 'subscribedTopicRegex'
  | 'rebalanceTimeoutMs'
  | 'serverAssignor'
  | 'classicMemberMetadata'
>
export type Current = Pick<ConsumerMember, 'epoch' | 'previousEpoch' | 'state' | 'assigned' | 'pendingRevocation'>

/** What a record of a consumer group says. */
export type ConsumerRecord =
  | { of: 'group'; group: string; epoch: { epoch: number; metadataHash: bigint } | null }
  | { of: 'member'; group: string; memberId: string; identity: Identity | null }
  | { of: 'target epoch'; group: string; epoch: number | null }
  | { of: 'target'; group: string; memberId: string; partitions: Partitions | null }
  | { of: 'current'; group: string; memberId: string; current: Current | null }
  | { of: 'pattern'; group: string; pattern: string; topics: readonly string[] | null }

export const groupEntry = (groupId: string, epoch: number, metadataHash: bigint): RecordEntry => ({
  key: groupKind.encodeKey({ groupId }),
  value: groupKind.encodeValue({ epoch, metadataHash }),
})

export const memberEntry = (groupId: string, { id, ...member }: ConsumerMember): RecordEntry => ({
  key: memberKind.encodeKey({ groupId, memberId: id }),
  value: memberKind.encodeValue({ ...member }),
})

export const targetEpochEntry = (groupId: string, assignmentEpoch: number, atMs: number): RecordEntry => ({
  key: targetEpochKind.encodeKey({ groupId }),
  value: targetEpochKind.encodeValue({ assignmentEpoch, assignmentTimestamp: BigInt(atMs) }),
})

export const targetEntry = (groupId: string, memberId: string, partitions: Partitions): RecordEntry => ({
  key: targetKind.encodeKey({ groupId, memberId }),
  value: targetKind.encodeValue({ topicPartitions: listed(partitions) }),
})

export const currentEntry = (groupId: string, member: ConsumerMember): RecordEntry => ({
  key: currentKind.encodeKey({ groupId, memberId: member.id }),
  value: currentKind.encodeValue({
    memberEpoch: member.epoch,
    previousMemberEpoch: member.previousEpoch,
    state: memberStates[member.state],
    assignedPartitions: withEpochs(member.assigned),
    partitionsPendingRevocation: withEpochs(member.pendingRevocation),
  }),
})

export const patternEntry = (groupId: string, pattern: string, topics: readonly string[], version: number, atMs: number): RecordEntry => ({
  key: patternKind.encodeKey({ groupId, regularExpression: pattern }),
  value: patternKind.encodeValue({ topics: [...topics], version: BigInt(version), timestamp: BigInt(atMs) }),
})

export const patternTombstone = (groupId: string, pattern: string): RecordEntry => ({
  key: patternKind.encodeKey({ groupId, regularExpression: pattern }),
  value: null,
})

/** All records of a group as it is, in Kafka's order. */
export function imageEntries(
  groupId: string,
  { epoch, hash, targetEpoch, targets, members }: ConsumerGroupImage,
  atMs: number,
): RecordEntry[] {
  return [
    ...members.map((member) => memberEntry(groupId, member)),
    groupEntry(groupId, epoch, hash),
    ...[...targets].map(([memberId, partitions]) => targetEntry(groupId, memberId, partitions)),
    targetEpochEntry(groupId, targetEpoch, atMs),
    ...members.map((member) => currentEntry(groupId, member)),
  ]
}

/** Deletes all that is known of a member, in Kafka's order. */
export function memberTombstones(groupId: string, memberId: string): RecordEntry[] {
  return [currentKind, targetKind, memberKind].map((kind) => ({ key: kind.encodeKey({ groupId, memberId }), value: null }))
}

/** Deletes what is known of a group as a whole. */
export function groupTombstones(groupId: string): RecordEntry[] {
  return [targetEpochKind, groupKind].map((kind) => ({ key: kind.encodeKey({ groupId }), value: null }))
}

function withEpochs(assigned: Assigned): { topicId: string; partitions: number[]; assignmentEpochs: number[] }[] {
  return listed(assigned).map(({ topicId, partitions }) => ({
    topicId,
    partitions,
    assignmentEpochs: partitions.map((partition) => assigned.get(topicId)?.get(partition) ?? 0),
  }))
}

type AssignedList = readonly { topicId: string; partitions: readonly number[]; assignmentEpochs: readonly number[] | null }[]

/** Kafka before 4.4 wrote no assignment epochs: then the member's own stands for them. */
function readAssigned(list: AssignedList, memberEpoch: number): Assigned {
  return new Map(
    list.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, i) => [partition, assignmentEpochs?.[i] ?? memberEpoch])),
    ]),
  )
}

/** Reads a record whose key begins with this number; null when it is not of a consumer group. Throws WireError. */
export function readConsumerRecord(number: number, keyReader: Reader, value: Uint8Array | null): ConsumerRecord | null {
  switch (number) {
    case groupKind.number:
      return { of: 'group', group: groupKind.readKey(keyReader).groupId, epoch: value && groupKind.readValue(value) }
    case memberKind.number: {
      const { groupId: group, memberId } = memberKind.readKey(keyReader)
      return { of: 'member', group, memberId, identity: value && readIdentity(value) }
    }
    case targetEpochKind.number:
      return {
        of: 'target epoch',
        group: targetEpochKind.readKey(keyReader).groupId,
        epoch: value && targetEpochKind.readValue(value).assignmentEpoch,
      }
    case targetKind.number: {
      const { groupId: group, memberId } = targetKind.readKey(keyReader)
      return { of: 'target', group, memberId, partitions: value && fromList(targetKind.readValue(value).topicPartitions) }
    }
    case currentKind.number: {
      const { groupId: group, memberId } = currentKind.readKey(keyReader)
      return { of: 'current', group, memberId, current: value && readCurrent(value) }
    }
    case patternKind.number: {
      const { groupId: group, regularExpression: pattern } = patternKind.readKey(keyReader)
      return { of: 'pattern', group, pattern, topics: value && patternKind.readValue(value).topics }
    }
    default:
      return null
  }
}

function readIdentity(value: Uint8Array): Identity {
  const identity = memberKind.readValue(value)
  return { ...identity, subscribedTopicRegex: identity.subscribedTopicRegex ?? '' }
}

function readCurrent(value: Uint8Array): Current {
  const { memberEpoch: epoch, previousMemberEpoch: previousEpoch, ...rest } = currentKind.readValue(value)
  const state = rest.state === memberStates.unrevoked ? 'unrevoked' : rest.state === memberStates.unreleased ? 'unreleased' : 'stable'
  return {
    epoch,
    previousEpoch,
    state,
    assigned: readAssigned(rest.assignedPartitions, epoch),
    pendingRevocation: readAssigned(rest.partitionsPendingRevocation, epoch),
  }
}
