import { errorCodes } from '../../../kafka-wire/index.ts'
import type { JoinInput } from '../member.ts'
import { refusal, type HeartbeatInput, type Refusal } from './heartbeat.ts'
import { fresh, leavingForAWhile, type ConsumerMember } from './member.ts'
import { wrongEpoch } from './member-epochs.ts'
import type { Roster } from './roster.ts'

/** The member as it is before its request counts; `replaces` is a static one whose place it takes under another id. */
export interface Admitted {
  readonly before: ConsumerMember
  readonly isNew: boolean
  readonly replaces: ConsumerMember | null
}

export interface Door {
  readonly groupId: string
  readonly roster: Roster
  readonly maxMembers: number
}

/** Who may join, or go on, by a heartbeat. */
export function admit({ groupId, roster, maxMembers }: Door, input: HeartbeatInput): Admitted | Refusal {
  const { memberId, memberEpoch, instanceId } = input
  const known = roster.find(memberId, instanceId)
  if (memberEpoch === 0) {
    if (!known) return newMember({ groupId, roster, maxMembers }, memberId, instanceId)
    if (known.id === memberId) return { before: known, isNew: false, replaces: null }
    if (known.epoch !== leavingForAWhile && !known.classicMemberMetadata) {
      return refusal(
        errorCodes.UNRELEASED_INSTANCE_ID,
        `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by member ${known.id}.`,
      )
    }
    return inPlaceOf(known, memberId)
  }
  const refused = notTheOne(groupId, known, memberId, instanceId)
  if (refused || !known) return refused ?? refusal(errorCodes.UNKNOWN_MEMBER_ID, 'unknown member')
  return wrongEpoch(known, input) ?? { before: known, isNew: false, replaces: null }
}

/** Who may join by a JoinGroup; `memberId` is the one it asks for, or is given. A static member without one takes the place of the one before. */
export function admitClassic(door: Door, input: JoinInput, memberId: string): Admitted | Refusal {
  const { instanceId } = input
  const known = door.roster.find(memberId, instanceId)
  if (instanceId === null) return known ? { before: known, isNew: false, replaces: null } : newMember(door, memberId, null)
  if (input.memberId === '') return known ? inPlaceOf(known, memberId) : newMember(door, memberId, instanceId)
  const refused = notTheOne(door.groupId, known, memberId, instanceId)
  if (refused || !known) return refused ?? refusal(errorCodes.UNKNOWN_MEMBER_ID, 'unknown member')
  return { before: known, isNew: false, replaces: null }
}

function newMember({ roster, maxMembers }: Door, memberId: string, instanceId: string | null): Admitted | Refusal {
  if (roster.size < maxMembers) return { before: fresh(memberId, instanceId), isNew: true, replaces: null }
  return refusal(errorCodes.GROUP_MAX_SIZE_REACHED, `The consumer group has reached its maximum capacity of ${roster.size} members.`)
}

/** A static member is back under another id: it has what the old one had. */
function inPlaceOf(known: ConsumerMember, memberId: string): Admitted {
  return { before: { ...known, id: memberId, epoch: 0, previousEpoch: 0 }, isNew: true, replaces: known }
}

/** Why the member that was found is not the one that asks, or null. */
export function notTheOne(groupId: string, known: ConsumerMember | undefined, memberId: string, instanceId: string | null): Refusal | null {
  if (!known) {
    const who = instanceId === null ? `Member ${memberId}` : `Instance id ${instanceId}`
    return refusal(errorCodes.UNKNOWN_MEMBER_ID, `${who} is not a member of group ${groupId}.`)
  }
  if (known.id === memberId) return null
  return refusal(
    errorCodes.FENCED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${known.id}.`,
  )
}
