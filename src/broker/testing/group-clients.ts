import { errorCodes, Writer } from '../../kafka-wire/index.ts'
import { readAssignment, readSubscription, writeAssignment } from '../groups/consumer-protocol.ts'
import { each, fromList, type Partitions } from '../groups/consumer/partitions.ts'
import type { GroupCoordinator } from '../groups/coordinator.ts'
import type { JoinOutcome } from '../groups/member.ts'

/** Where clients of one group find it; what a broker answers that is gone by now nobody hears. */
export interface GroupScene {
  readonly groups: GroupCoordinator
  readonly topic: { readonly name: string; readonly id: string; readonly partitions: number }
}

export const groupId = 'g'
export const sessionTimeoutMs = 10_000
const client = { clientId: 'c', clientHost: '/127.0.0.1' }

export interface GroupClient {
  readonly speaks: 'classic' | 'consumer'
  /** Partitions that it reads at this moment. */
  readonly owned: ReadonlySet<number>
  /** Says what it has to say next, unless it waits for an answer. */
  step(): Promise<void>
  leave(): Promise<void>
  /** The broker it spoke with is gone. */
  disconnect(): void
}

/** A consumer of the classic protocol: eager, so that it gives everything up before it joins again, or cooperative (KIP-429). */
export class ClassicClient implements GroupClient {
  readonly speaks = 'classic'
  owned: ReadonlySet<number> = new Set()
  readonly #scene: () => GroupScene
  readonly #isEager: boolean
  #memberId = ''
  #generationId = -1
  #mustJoin = true
  /** What its JoinGroup was answered, until it asks for its assignment with the next step. */
  #joined: JoinOutcome | null = null
  #waits = false

  constructor(scene: () => GroupScene, isEager: boolean) {
    this.#scene = scene
    this.#isEager = isEager
  }

  async step(): Promise<void> {
    if (this.#waits) return
    if (this.#joined) return this.#sync(this.#joined)
    if (this.#mustJoin) return this.#join()
    const { groups } = this.#scene()
    this.#heard(groups.heartbeat(groupId, this.#memberId, null, this.#generationId))
  }

  async leave(): Promise<void> {
    this.owned = new Set()
    await this.#scene().groups.leave(groupId, this.#memberId, null)
  }

  disconnect(): void {
    this.#waits = false
    this.#joined = null
  }

  async #join(): Promise<void> {
    if (this.#isEager) this.owned = new Set()
    const metadata = this.#subscription()
    const joined = await this.#asked((groups) =>
      groups.join(groupId, {
        ...client,
        memberId: this.#memberId,
        instanceId: null,
        sessionTimeoutMs,
        rebalanceTimeoutMs: sessionTimeoutMs,
        protocolType: 'consumer',
        protocols: [{ name: this.#isEager ? 'range' : 'cooperative-sticky', metadata }],
        needsMemberId: true,
        canSkipAssignment: true,
      }),
    )
    if (!joined) return
    if (joined.errorCode === errorCodes.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId
    if (joined.errorCode !== errorCodes.NONE) return this.#heard(joined.errorCode)
    this.#generationId = joined.generationId
    this.#joined = joined
  }

  async #sync(joined: JoinOutcome): Promise<void> {
    this.#joined = null
    const synced = await this.#asked((groups) =>
      groups.sync(groupId, {
        memberId: this.#memberId,
        instanceId: null,
        generationId: joined.generationId,
        protocolType: joined.protocolType,
        protocolName: joined.protocolName,
        assignments: joined.leader === this.#memberId ? this.#assign(joined) : [],
      }),
    )
    if (!synced) return
    if (synced.errorCode !== errorCodes.NONE) return this.#heard(synced.errorCode)
    const given = new Set(readAssignment(synced.assignment)?.partitions.flatMap(({ partitions }) => partitions))
    // Who gave something up says so, for others wait for it.
    this.#mustJoin = [...this.owned].some((partition) => !given.has(partition))
    this.owned = given
  }

  /** The answer, unless the broker is another one by then. */
  async #asked<T>(ask: (groups: GroupCoordinator) => T | Promise<T>): Promise<T | null> {
    const { groups } = this.#scene()
    this.#waits = true
    const answer = await ask(groups)
    if (this.#scene().groups !== groups) return null
    this.#waits = false
    return answer
  }

  #heard(errorCode: number): void {
    switch (errorCode) {
      case errorCodes.NONE:
      case errorCodes.COORDINATOR_NOT_AVAILABLE:
        return
      case errorCodes.MEMBER_ID_REQUIRED:
      case errorCodes.REBALANCE_IN_PROGRESS:
        this.#mustJoin = true
        return
      case errorCodes.UNKNOWN_MEMBER_ID:
      case errorCodes.ILLEGAL_GENERATION:
        if (errorCode === errorCodes.UNKNOWN_MEMBER_ID) this.#memberId = ''
        this.#generationId = -1
        this.owned = new Set()
        this.#mustJoin = true
        return
      default:
        throw new Error(`a classic member was told ${errorCode}`)
    }
  }

  #subscription(): Uint8Array {
    const { name } = this.#scene().topic
    const writer = new Writer()
    writer.int16(1)
    writer.length(1, false)
    writer.string(name, false)
    writer.bytes(null, false)
    writer.length(1, false)
    writer.string(name, false)
    writer.length(this.owned.size, false)
    for (const partition of this.owned) writer.int32(partition)
    return writer.whole()
  }

  /** In turn to all, but nothing that another still owns. */
  #assign({ members }: JoinOutcome): { memberId: string; assignment: Uint8Array }[] {
    const { name, partitions } = this.#scene().topic
    const owners = new Map(
      members.flatMap(({ memberId, metadata }) =>
        (readSubscription(metadata)?.owned ?? []).flatMap((topic) => topic.partitions.map((partition) => [partition, memberId] as const)),
      ),
    )
    const ids = members.map(({ memberId }) => memberId).toSorted()
    return ids.map((memberId, i) => {
      const own = Array.from({ length: partitions }, (_, partition) => partition).filter(
        (partition) => partition % ids.length === i && (owners.get(partition) ?? memberId) === memberId,
      )
      return { memberId, assignment: writeAssignment(1, [{ topic: name, partitions: own }]) }
    })
  }
}

/** A consumer of KIP-848: what it is no longer given it gives up at once, and says so with its next heartbeat. */
export class ConsumerClient implements GroupClient {
  readonly speaks = 'consumer'
  owned: ReadonlySet<number> = new Set()
  readonly #scene: () => GroupScene
  readonly #memberId: string
  #epoch = 0

  constructor(scene: () => GroupScene, memberId: string) {
    this.#scene = scene
    this.#memberId = memberId
  }

  async step(): Promise<void> {
    const { groups, topic } = this.#scene()
    if (this.#epoch === 0) this.owned = new Set()
    const owned: Partitions = this.owned.size === 0 ? new Map() : fromList([{ topicId: topic.id, partitions: [...this.owned] }])
    const answer = await this.#beat(groups, this.#epoch, owned, topic.name)
    if (this.#scene().groups !== groups || answer.errorCode === errorCodes.COORDINATOR_NOT_AVAILABLE) return
    this.#epoch = answer.errorCode === errorCodes.NONE ? answer.memberEpoch : 0
    if (this.#epoch === 0) this.owned = new Set()
    else if (answer.assignment) this.owned = new Set([...each(answer.assignment)].map(([, partition]) => partition))
  }

  async leave(): Promise<void> {
    this.owned = new Set()
    const { groups, topic } = this.#scene()
    await this.#beat(groups, -1, null, topic.name)
  }

  disconnect(): void {}

  #beat(groups: GroupCoordinator, memberEpoch: number, owned: Partitions | null, topic: string) {
    return groups.consumerHeartbeat(groupId, {
      ...client,
      memberId: this.#memberId,
      memberEpoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: sessionTimeoutMs,
      subscribedTopicNames: [topic],
      subscribedTopicRegex: null,
      serverAssignor: null,
      owned,
    })
  }
}
