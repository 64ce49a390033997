import { deleteGroups, describeGroups, errorCodes, leaveGroup, listGroups } from '../kafka-wire/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { Cluster } from './cluster.ts'
import { withCoordinator } from './committed-offsets.ts'
import { decodeAssignment, type MemberAssignment } from './consumer-protocol.ts'
import { kafkaError } from './errors.ts'

export interface GroupListing {
  groupId: string
  /** `consumer` for consumer groups. */
  protocolType: string
  /** `Stable`, `Empty`, …; empty when the broker is too old to say. */
  state: string
}

export interface GroupDescription {
  groupId: string
  /** `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, `Dead` (also: no such group). */
  state: string
  protocolType: string
  /** The assignor in use. */
  protocol: string
  members: {
    memberId: string
    groupInstanceId: string | null
    clientId: string
    clientHost: string
    assignment: MemberAssignment
  }[]
}

const PURPOSE = 'admin'

export async function listAllGroups(cluster: Cluster): Promise<GroupListing[]> {
  const { brokers } = await cluster.retrying(async () => {
    await cluster.refresh([])
    return cluster.metadata([])
  })
  const perBroker = await Promise.all(
    brokers.map(({ nodeId }) =>
      cluster.retrying(async () => {
        const answer = await cluster.ask(cluster.toNode(nodeId, PURPOSE), listGroups, 4, () => ({}))
        if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, 'Listing groups')
        return answer.groups
      }),
    ),
  )
  const groups = new Map(perBroker.flat().map((group) => [group.groupId, group]))
  return [...groups.values()].map(({ groupId, protocolType, groupState }) => ({ groupId, protocolType, state: groupState }))
}

export function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  return withCoordinator(cluster, groupId, async () => {
    const answer = await cluster.ask(cluster.toCoordinator(groupId, PURPOSE), describeGroups, 6, () => ({ groups: [groupId] }))
    const group = answer.groups[0]
    const errorCode = group?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
    if (!group || errorCode === errorCodes.GROUP_ID_NOT_FOUND)
      return { groupId, state: 'Dead', protocolType: '', protocol: '', members: [] }
    if (errorCode !== errorCodes.NONE) throw kafkaError(errorCode, `Group "${groupId}"`, { details: { groupId } })
    return {
      groupId,
      state: group.groupState,
      protocolType: group.protocolType,
      protocol: group.protocolData,
      members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
        memberId,
        groupInstanceId,
        clientId,
        clientHost,
        assignment: decodeAssignment(memberAssignment),
      })),
    }
  })
}

/** False when there was no such group. Rejects KAFKA NON_EMPTY_GROUP while it has members. */
export function deleteGroup(cluster: Cluster, groupId: string): Promise<boolean> {
  return withCoordinator(cluster, groupId, async () => {
    const answer = await cluster.ask(cluster.toCoordinator(groupId, PURPOSE), deleteGroups, 2, () => ({ groupsNames: [groupId] }))
    const errorCode = answer.results[0]?.errorCode ?? errorCodes.NONE
    if (errorCode === errorCodes.GROUP_ID_NOT_FOUND) return false
    if (errorCode !== errorCodes.NONE) throw kafkaError(errorCode, `Deleting group "${groupId}"`, { details: { groupId } })
    return true
  })
}

export interface RemovedMember {
  memberId: string
  groupInstanceId: string | null
}

/** Puts members out of a classic group (KIP-345): of static ones nobody else says that they will not be back. Who is gone already is no error. */
export function removeMembers(cluster: Cluster, groupId: string, members: readonly RemovedMember[]): Promise<void> {
  return withCoordinator(cluster, groupId, async () => {
    const coordinator = await cluster.toCoordinator(groupId, PURPOSE)
    const version = coordinator.version(leaveGroup, 5)
    if (version < 3)
      throw new MillraceError('BAD_REQUEST', `This broker cannot put members out of group "${groupId}" (it is older than Kafka 2.4).`)
    const answer = await coordinator.request(leaveGroup, version, {
      groupId,
      members: members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, reason: 'its offsets are set' })),
    })
    const answers = [answer.errorCode, ...answer.members.map(({ errorCode }) => errorCode)]
    const failed = answers.find((errorCode) => errorCode !== errorCodes.NONE && errorCode !== errorCodes.UNKNOWN_MEMBER_ID)
    if (failed !== undefined)
      throw kafkaError(failed, `Members of group "${groupId}"`, {
        details: { groupId },
        needs: { operation: 'Read', on: 'group', name: groupId },
      })
  })
}
