import { errorCodes } from '../../../kafka-wire/index.ts'
import { assignors } from './assignors.ts'
import { leaving, leavingForAWhile } from './member.ts'
import type { Assigned, Partitions } from './partitions.ts'
import { namePattern } from '../../patterns/name-pattern.ts'

/** A ConsumerGroupHeartbeat: null stands for "as it was said before". */
export interface HeartbeatInput {
  readonly memberId: string
  /** 0 joins, −1 leaves, −2 leaves for a while. */
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** −1: as before. */
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: readonly string[] | null
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  /** What the member says it owns. */
  readonly owned: Partitions | null
}

export interface HeartbeatOutcome {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly memberId: string | null
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null when nothing changed. */
  readonly assignment: Assigned | null
}

export interface Refusal {
  readonly errorCode: number
  readonly message: string
}

export function refusal(errorCode: number, message: string): Refusal {
  return { errorCode, message }
}

export function refusedHeartbeat({ errorCode, message }: Refusal): HeartbeatOutcome {
  return { errorCode, errorMessage: message, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: null }
}

/** What is wrong with a heartbeat in itself, or null. */
export function invalidHeartbeat(groupId: string, input: HeartbeatInput): Refusal | null {
  const wrong = wrongFields(groupId, input)
  if (wrong !== null) return refusal(errorCodes.INVALID_REQUEST, wrong)
  const { serverAssignor, subscribedTopicRegex: pattern } = input
  if (serverAssignor !== null && !Object.hasOwn(assignors, serverAssignor)) {
    const known = Object.keys(assignors).join(', ')
    return refusal(errorCodes.UNSUPPORTED_ASSIGNOR, `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${known}.`)
  }
  const checked = pattern ? namePattern(pattern) : null
  if (checked && !checked.ok) {
    const message = `SubscribedTopicRegex \`${pattern}\` is not a valid regular expression: ${checked.reason}.`
    return refusal(errorCodes.INVALID_REGULAR_EXPRESSION, message)
  }
  return null
}

function wrongFields(groupId: string, input: HeartbeatInput): string | null {
  const { memberId, memberEpoch, instanceId, rackId, subscribedTopicNames, subscribedTopicRegex } = input
  if (memberId === '') return "MemberId can't be empty."
  if (groupId.trim() === '') return "GroupId can't be empty."
  if (instanceId?.trim() === '') return "InstanceId can't be empty."
  if (rackId?.trim() === '') return "RackId can't be empty."
  if (memberEpoch > 0 || memberEpoch === leaving) return null
  if (memberEpoch === leavingForAWhile) return instanceId === null ? "InstanceId can't be null." : null
  if (memberEpoch < 0) return 'MemberEpoch is invalid.'
  if (input.rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.'
  if (input.owned === null || input.owned.size > 0) return 'TopicPartitions must be empty when (re-)joining.'
  return subscribedTopicNames === null && subscribedTopicRegex === null
    ? 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'
    : null
}
