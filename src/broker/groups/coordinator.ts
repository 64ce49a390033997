import { errorCodes } from '../../kafka-wire/index.ts'
import type { Clock, Logger } from '../../platform/index.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import { Group } from './group.ts'
import { failedJoin, failedSync, type GroupSnapshot, type JoinInput, type JoinOutcome, type SyncInput, type SyncOutcome } from './member.ts'
import { groupKey, groupValue, offsetKey, offsetValue, type CommittedOffset } from './offsets-records.ts'
import type { OffsetsStore } from './offsets-store.ts'

export interface CommitInput {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generationId: number
  readonly offsets: readonly { topic: string; partition: number; offset: number; leaderEpoch: number; metadata: string }[]
}

/** Offsets of a group by topic and partition. */
export type GroupOffsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>

interface Entry {
  readonly group: Group
  readonly offsets: Map<string, Map<number, CommittedOffset>>
}

/** All classic groups of this broker and their offsets. Answers are Kafka's error codes; state is on the disk before it is answered. */
export class GroupCoordinator {
  readonly #store: OffsetsStore
  readonly #config: BrokerConfig
  readonly #clock: Clock
  readonly #groups = new Map<string, Entry>()

  constructor(parts: { store: OffsetsStore; config: BrokerConfig; clock: Clock }) {
    this.#store = parts.store
    this.#config = parts.config
    this.#clock = parts.clock
  }

  /** Reads groups and offsets back from `__consumer_offsets`. */
  restore(log: Logger): void {
    const snapshots = new Map<string, GroupSnapshot>()
    for (const record of this.#store.readAll()) {
      if (record.is === 'group') {
        if (record.snapshot) snapshots.set(record.group, record.snapshot)
        else snapshots.delete(record.group)
      } else if (record.committed) {
        this.#keep(this.#entry(record.group), record.topic, record.partition, record.committed)
      } else {
        this.#forget(this.#entry(record.group), record.topic, record.partition)
      }
    }
    for (const [id, snapshot] of snapshots) this.#entry(id).group.restore(snapshot)
    for (const [id, entry] of this.#groups) if (!snapshots.has(id) && entry.offsets.size === 0) this.#groups.delete(id)
    if (this.#groups.size > 0) log.info('groups restored', { groups: this.#groups.size })
  }

  #entry(id: string): Entry {
    const existing = this.#groups.get(id)
    if (existing) return existing
    const group = new Group(id, {
      clock: this.#clock,
      initialDelayMs: this.#config.number('group.initial.rebalance.delay.ms'),
      maxMembers: this.#config.number('group.max.size'),
      persist: (changed) => this.#store.write(id, [{ key: groupKey(id), value: groupValue(changed.snapshot()) }]),
    })
    const entry: Entry = { group, offsets: new Map() }
    this.#groups.set(id, entry)
    return entry
  }

  /** Makes sure that `__consumer_offsets` is there; false when it cannot be made. */
  async ready(): Promise<boolean> {
    return (await this.#store.topic()) !== null
  }

  get(id: string): Group | undefined {
    return this.#groups.get(id)?.group
  }

  all(): Group[] {
    return [...this.#groups.values()].map(({ group }) => group)
  }

  async join(groupId: string, input: JoinInput): Promise<JoinOutcome> {
    if (groupId === '') return failedJoin(errorCodes.INVALID_GROUP_ID, input.memberId)
    const { sessionTimeoutMs } = input
    const [min, max] = [this.#config.number('group.min.session.timeout.ms'), this.#config.number('group.max.session.timeout.ms')]
    if (sessionTimeoutMs < min || sessionTimeoutMs > max) return failedJoin(errorCodes.INVALID_SESSION_TIMEOUT, input.memberId)
    const known = this.#groups.get(groupId)
    if (!known && input.memberId !== '') return failedJoin(errorCodes.UNKNOWN_MEMBER_ID, input.memberId)
    return (known ?? this.#entry(groupId)).group.join(input)
  }

  async sync(groupId: string, input: SyncInput): Promise<SyncOutcome> {
    return this.#groups.get(groupId)?.group.sync(input) ?? failedSync(errorCodes.UNKNOWN_MEMBER_ID)
  }

  heartbeat(groupId: string, memberId: string, instanceId: string | null, generationId: number): number {
    if (groupId === '') return errorCodes.INVALID_GROUP_ID
    return this.get(groupId)?.heartbeat(memberId, instanceId, generationId) ?? errorCodes.UNKNOWN_MEMBER_ID
  }

  leave(groupId: string, memberId: string, instanceId: string | null): number {
    return this.get(groupId)?.leave(memberId, instanceId) ?? errorCodes.UNKNOWN_MEMBER_ID
  }

  /** Commits offsets; visible to OffsetFetch once they are synced. The caller has checked that the partitions exist. */
  async commit(groupId: string, input: CommitInput): Promise<number> {
    const known = this.#groups.get(groupId)
    if (!known && (input.generationId >= 0 || input.memberId !== '')) return errorCodes.ILLEGAL_GENERATION
    const entry = known ?? this.#entry(groupId)
    const refused = entry.group.mayCommit(input.memberId, input.instanceId, input.generationId)
    if (refused !== errorCodes.NONE || input.offsets.length === 0) return refused
    const commitTimestampMs = this.#clock.nowMs()
    const commits = input.offsets.map(({ topic, partition, ...rest }) => ({ topic, partition, committed: { ...rest, commitTimestampMs } }))
    const written = await this.#store.write(
      groupId,
      commits.map(({ topic, partition, committed }) => ({ key: offsetKey(groupId, topic, partition), value: offsetValue(committed) })),
    )
    if (!written) return errorCodes.COORDINATOR_NOT_AVAILABLE
    for (const { topic, partition, committed } of commits) this.#keep(entry, topic, partition, committed)
    return errorCodes.NONE
  }

  #keep({ offsets }: Entry, topic: string, partition: number, committed: CommittedOffset): void {
    const partitions = offsets.get(topic) ?? new Map<number, CommittedOffset>()
    partitions.set(partition, committed)
    offsets.set(topic, partitions)
  }

  #forget({ offsets }: Entry, topic: string, partition: number): void {
    const partitions = offsets.get(topic)
    partitions?.delete(partition)
    if (partitions?.size === 0) offsets.delete(topic)
  }

  offsets(groupId: string): GroupOffsets {
    return this.#groups.get(groupId)?.offsets ?? new Map()
  }

  /** Deletes an empty group with its offsets. */
  async delete(groupId: string): Promise<number> {
    const entry = this.#groups.get(groupId)
    if (!entry) return errorCodes.GROUP_ID_NOT_FOUND
    if (entry.group.state !== 'empty') return errorCodes.NON_EMPTY_GROUP
    const keys = [groupKey(groupId), ...keysOf(groupId, entry.offsets)]
    if (
      !(await this.#store.write(
        groupId,
        keys.map((key) => ({ key, value: null })),
      ))
    )
      return errorCodes.COORDINATOR_NOT_AVAILABLE
    entry.group.close()
    this.#groups.delete(groupId)
    return errorCodes.NONE
  }

  /** Deletes offsets, but none of topics that members read; says which those are. */
  async deleteOffsets(
    groupId: string,
    wanted: readonly { topic: string; partition: number }[],
  ): Promise<{ errorCode: number; subscribed: (topic: string) => boolean }> {
    const entry = this.#groups.get(groupId)
    const subscribed = (topic: string): boolean => entry?.group.reads(topic) ?? false
    if (!entry) return { errorCode: errorCodes.GROUP_ID_NOT_FOUND, subscribed }
    if (entry.group.state !== 'empty' && entry.group.protocolType !== 'consumer')
      return { errorCode: errorCodes.NON_EMPTY_GROUP, subscribed }
    const due = wanted.filter(({ topic, partition }) => !subscribed(topic) && entry.offsets.get(topic)?.has(partition))
    const records = due.map(({ topic, partition }) => ({ key: offsetKey(groupId, topic, partition), value: null }))
    if (records.length > 0 && !(await this.#store.write(groupId, records)))
      return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, subscribed }
    for (const { topic, partition } of due) this.#forget(entry, topic, partition)
    return { errorCode: errorCodes.NONE, subscribed }
  }

  /** Forgets the offsets of deleted topics. */
  async forgetTopics(topics: ReadonlySet<string>): Promise<void> {
    for (const [id, entry] of this.#groups) {
      const gone = new Map([...entry.offsets].filter(([topic]) => topics.has(topic)))
      if (gone.size === 0) continue
      await this.#store.write(
        id,
        keysOf(id, gone).map((key) => ({ key, value: null })),
      )
      for (const topic of gone.keys()) entry.offsets.delete(topic)
    }
  }

  close(): void {
    for (const { group } of this.#groups.values()) group.close()
    this.#groups.clear()
  }
}

function keysOf(groupId: string, offsets: GroupOffsets): Uint8Array[] {
  return [...offsets].flatMap(([topic, partitions]) => [...partitions.keys()].map((partition) => offsetKey(groupId, topic, partition)))
}
