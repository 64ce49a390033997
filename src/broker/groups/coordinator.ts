import { errorCodes } from '../../kafka-wire/index.ts'
import type { Clock, Logger } from '../../platform/index.ts'
import type { BrokerConfig } from '../topics/broker-configs.ts'
import { groupNumber } from '../topics/group-configs.ts'
import { mayCommit, type AnyGroup } from './any-group.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import {
  invalidHeartbeat,
  refusal,
  refusedHeartbeat,
  type HeartbeatInput,
  type HeartbeatOutcome,
  type Refusal,
} from './consumer/heartbeat.ts'
import { OwedRecords } from './consumer/owed-records.ts'
import { imageEntries, type RecordEntry } from './consumer/records.ts'
import { ConsumerSnapshot } from './consumer/snapshot.ts'
import type { TopicsView } from './consumer/subscriptions.ts'
import { expiredOffsets } from './expiry.ts'
import { GroupOffsets } from './group-offsets.ts'
import { Group } from './group.ts'
import { failedJoin, failedSync, type GroupSnapshot, type JoinInput, type JoinOutcome, type SyncInput, type SyncOutcome } from './member.ts'
import { downgraded, upgraded } from './migration.ts'
import { groupKey, groupValue, offsetKey, offsetValue } from './offsets-records.ts'
import type { OffsetsStore } from './offsets-store.ts'

export interface CommitInput {
  readonly memberId: string
  readonly instanceId: string | null
  /** Of a consumer group's member its epoch. */
  readonly generationId: number
  /** Whether the request may come from a member of a consumer group (OffsetCommit 9+). */
  readonly knowsEpochs: boolean
  readonly offsets: readonly { topic: string; partition: number; offset: number; leaderEpoch: number; metadata: string }[]
  /** The producer in whose transaction they are committed. */
  readonly producer?: { readonly producerId: number; readonly epoch: number; mayWrite(): number }
}

/** An offset on its way to the disk. */
interface Committing {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  /** The topic was deleted meanwhile. */
  isForgotten: boolean
}

interface Entry {
  group: AnyGroup
  readonly offsets: GroupOffsets
  /** Of the group, whatever kind it is of: what ends it as one kind goes with what begins it as the other. */
  readonly records: OwedRecords
}

/** All groups of this broker and their offsets. Answers are Kafka's error codes; state is on the disk before it is answered. */
export class GroupCoordinator {
  readonly #store: OffsetsStore
  readonly #config: BrokerConfig
  readonly #clock: Clock
  readonly #topics: TopicsView
  readonly #groups = new Map<string, Entry>()
  readonly #committing = new Set<Committing>()
  #stopExpiry = (): void => {}
  #closed = false

  constructor(parts: { store: OffsetsStore; topics: TopicsView; config: BrokerConfig; clock: Clock }) {
    this.#store = parts.store
    this.#config = parts.config
    this.#clock = parts.clock
    this.#topics = parts.topics
  }

  /** Reads groups and offsets back from `__consumer_offsets`. */
  restore(log: Logger): void {
    const snapshots = new Map<string, GroupSnapshot>()
    const consumers = new Map<string, ConsumerSnapshot>()
    for (const stored of this.#store.readAll()) {
      if (stored.is === 'marker') {
        this.endTransaction(stored.partition, stored.producerId, stored.commit)
        continue
      }
      const { record, at, producerId } = stored
      if (record.is === 'unknown' || record.is === 'passed') continue
      if (record.is === 'consumer') {
        const { group } = record.record
        const snapshot = consumers.get(group) ?? new ConsumerSnapshot()
        consumers.set(group, snapshot)
        snapshot.apply(record.record)
        continue
      }
      if (record.is === 'group') {
        if (record.snapshot) snapshots.set(record.group, record.snapshot)
        else snapshots.delete(record.group)
        continue
      }
      const { offsets } = this.#entry(record.group)
      const { topic, partition, committed } = record
      if (!committed) offsets.forget(topic, partition, at)
      else if (producerId === null) offsets.keep(topic, partition, committed, at)
      else offsets.hold(producerId, topic, partition, committed, at)
    }
    for (const [id, snapshot] of snapshots) {
      const { group } = this.#entry(id)
      if (group.kind === 'classic') group.restore(snapshot)
    }
    for (const [id, snapshot] of consumers) {
      if (!snapshot.exists) continue
      const entry = this.#entry(id)
      const group = this.#newConsumerGroup(id, entry.records)
      entry.group = group
      group.restore(snapshot)
    }
    for (const [id, { group, offsets }] of this.#groups)
      if (group.kind === 'classic' && !snapshots.has(id) && offsets.isEmpty) this.#groups.delete(id)
    if (this.#groups.size > 0) log.info('groups restored', { groups: this.#groups.size })
  }

  #entry(id: string): Entry {
    const existing = this.#groups.get(id)
    if (existing) return existing
    const records = new OwedRecords(async (entries) => (await this.#store.write(id, entries)) !== null)
    const entry: Entry = { group: this.#newClassicGroup(id, records), offsets: new GroupOffsets(), records }
    this.#groups.set(id, entry)
    return entry
  }

  #newClassicGroup(id: string, records: OwedRecords): Group {
    return new Group(id, {
      clock: this.#clock,
      initialDelayMs: this.#config.number('group.initial.rebalance.delay.ms'),
      maxMembers: this.#config.number('group.max.size'),
      persist: (changed) => records.write([{ key: groupKey(id), value: groupValue(changed.snapshot()) }]),
    })
  }

  #newConsumerGroup(id: string, records: OwedRecords): ConsumerGroup {
    return new ConsumerGroup(id, {
      clock: this.#clock,
      topics: this.#topics,
      settings: () => ({
        sessionTimeoutMs: groupNumber(this.#config, id, 'consumer.session.timeout.ms'),
        heartbeatIntervalMs: groupNumber(this.#config, id, 'consumer.heartbeat.interval.ms'),
        maxMembers: this.#config.number('group.consumer.max.size'),
      }),
      persist: (entries) => records.write(entries),
      becomeClassic: (group) => this.#downgrade(group),
    })
  }

  /** Makes sure that `__consumer_offsets` is there; false when it cannot be made. */
  async ready(): Promise<boolean> {
    return (await this.#store.topic()) !== null
  }

  get(id: string): AnyGroup | undefined {
    return this.#groups.get(id)?.group
  }

  all(): AnyGroup[] {
    return [...this.#groups.values()].map(({ group }) => group)
  }

  async join(groupId: string, input: JoinInput): Promise<JoinOutcome> {
    if (groupId === '') return failedJoin(errorCodes.INVALID_GROUP_ID, input.memberId)
    const { sessionTimeoutMs } = input
    const [min, max] = [this.#config.number('group.min.session.timeout.ms'), this.#config.number('group.max.session.timeout.ms')]
    if (sessionTimeoutMs < min || sessionTimeoutMs > max) return failedJoin(errorCodes.INVALID_SESSION_TIMEOUT, input.memberId)
    const known = this.#groups.get(groupId)
    if (!known && input.memberId !== '') return failedJoin(errorCodes.UNKNOWN_MEMBER_ID, input.memberId)
    const group = await this.#joinable(known ?? this.#entry(groupId))
    return typeof group === 'number' ? failedJoin(group, input.memberId) : group.join(input)
  }

  /**
   * The group of an entry, or the classic one that takes the place of an empty consumer group, whose offsets stay, once the end of that is on
   * the disk (P1): a start would take the consumer group for the present one. Or the error code to answer.
   */
  async #joinable(entry: Entry): Promise<AnyGroup | number> {
    const { group } = entry
    if (group.kind === 'classic' || group.state !== 'empty') return group
    if (!(await entry.records.write(group.tombstones()))) return errorCodes.COORDINATOR_NOT_AVAILABLE
    // Meanwhile it may have got members, whose records lie behind these, or another asked for the same.
    if (entry.group !== group || group.state !== 'empty') return this.#joinable(entry)
    group.close()
    return (entry.group = this.#newClassicGroup(group.id, entry.records))
  }

  /** ConsumerGroupHeartbeat (KIP-848). */
  async consumerHeartbeat(groupId: string, input: HeartbeatInput): Promise<HeartbeatOutcome> {
    const wrong = invalidHeartbeat(groupId, input)
    if (wrong) return refusedHeartbeat(wrong)
    const known = this.#groups.get(groupId)
    if (input.memberEpoch !== 0 && known?.group.kind !== 'consumer')
      return refusedHeartbeat(refusal(errorCodes.GROUP_ID_NOT_FOUND, `Consumer group ${groupId} not found.`))
    const entry = known ?? this.#entry(groupId)
    const group = this.#consumerFor(entry)
    if ('errorCode' in group) return refusedHeartbeat(group)
    const outcome = await group.heartbeat(input)
    // Refused at its first heartbeat: nothing of the group is on the disk.
    if (group.isUnheardOf && entry.offsets.isEmpty && this.#groups.get(groupId) === entry) this.#groups.delete(groupId)
    return outcome
  }

  /** The consumer group of an entry, or the one that takes the place of a classic one, whose offsets stay; or why that may not be. */
  #consumerFor(entry: Entry): ConsumerGroup | Refusal {
    const { group } = entry
    if (group.kind === 'consumer') return group
    const image = group.state === 'empty' ? null : upgraded(group, this.#topics, this.#config)
    if (image && 'errorCode' in image) return image
    const next = this.#newConsumerGroup(group.id, entry.records)
    // Members that wait for the end of a rebalance join again, for another.
    group.close(errorCodes.REBALANCE_IN_PROGRESS)
    entry.group = next
    // Goes with the first that the new group writes; without either, the classic group is still there.
    entry.records.owe([{ key: groupKey(group.id), value: null }])
    if (image) {
      next.restore(image)
      entry.records.owe(imageEntries(group.id, image, this.#clock.nowMs()))
    }
    return next
  }

  #downgrade(group: ConsumerGroup): readonly RecordEntry[] | null {
    const entry = this.#groups.get(group.id)
    const snapshot = downgraded(group, this.#topics, this.#config, this.#clock.nowMs())
    if (entry?.group !== group || !snapshot) return null
    const next = this.#newClassicGroup(group.id, entry.records)
    next.restore(snapshot)
    entry.group = next
    return [{ key: groupKey(group.id), value: groupValue(snapshot) }]
  }

  async sync(groupId: string, input: SyncInput): Promise<SyncOutcome> {
    return this.get(groupId)?.sync(input) ?? failedSync(errorCodes.UNKNOWN_MEMBER_ID)
  }

  heartbeat(groupId: string, memberId: string, instanceId: string | null, generationId: number): number {
    if (groupId === '') return errorCodes.INVALID_GROUP_ID
    const group = this.get(groupId)
    if (group?.kind === 'consumer') return group.classicHeartbeat(memberId, instanceId, generationId)
    return group?.heartbeat(memberId, instanceId, generationId) ?? errorCodes.UNKNOWN_MEMBER_ID
  }

  leave(groupId: string, memberId: string, instanceId: string | null): number | Promise<number> {
    return this.get(groupId)?.leave(memberId, instanceId) ?? errorCodes.UNKNOWN_MEMBER_ID
  }

  /** Commits offsets; visible to OffsetFetch once they are synced. The caller has checked that the partitions exist. */
  async commit(groupId: string, input: CommitInput): Promise<number> {
    const known = this.#groups.get(groupId)
    if (!known && (input.generationId >= 0 || input.memberId !== ''))
      return input.knowsEpochs ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.ILLEGAL_GENERATION
    const entry = known ?? this.#entry(groupId)
    const refused = mayCommit(entry.group, input)
    if (refused !== errorCodes.NONE || input.offsets.length === 0) return refused
    const commitTimestampMs = this.#clock.nowMs()
    const commits = input.offsets.map(({ topic, partition, ...rest }) => ({ topic, partition, committed: { ...rest, commitTimestampMs } }))
    const records = commits.map(({ topic, partition, committed }) => ({
      key: offsetKey(groupId, topic, partition),
      value: offsetValue(committed),
    }))
    const { producer } = input
    if (producer) {
      // Held before anything else can happen: the marker that ends the transaction may be the next to be written.
      return this.#store.writeIn(producer, groupId, records, (at) => {
        const { offsets } = this.#entry(groupId)
        for (const [i, one] of commits.entries()) offsets.hold(producer.producerId, one.topic, one.partition, one.committed, at + i)
      })
    }
    const underWay = commits.map(({ topic, partition }) => ({ groupId, topic, partition, isForgotten: false }))
    for (const one of underWay) this.#committing.add(one)
    const at = await this.#store.write(groupId, records)
    for (const one of underWay) this.#committing.delete(one)
    if (at === null) return errorCodes.COORDINATOR_NOT_AVAILABLE
    // Of the group as it is now: it may have been deleted meanwhile.
    const { offsets } = this.#entry(groupId)
    for (const [i, { topic, partition, committed }] of commits.entries())
      if (!underWay[i]?.isForgotten) offsets.keep(topic, partition, committed, at + i)
    return errorCodes.NONE
  }

  /** The partition of `__consumer_offsets` that holds a group; null when it could not be made. */
  async partition(groupId: string): Promise<number | null> {
    return (await this.#store.topic()) === null ? null : this.#store.partition(groupId)
  }

  /** A transaction ended in a partition of `__consumer_offsets`: the offsets that it committed count now, or never. */
  endTransaction(partition: number, producerId: number, commit: boolean): void {
    for (const [id, { offsets }] of this.#groups) if (this.#store.partition(id) === partition) offsets.end(producerId, commit)
  }

  offsets(groupId: string): GroupOffsets {
    return this.#groups.get(groupId)?.offsets ?? new GroupOffsets()
  }

  /** Deletes an empty group with its offsets. */
  async delete(groupId: string): Promise<number> {
    // What could not be written of it before goes first: of a change of its kind, say.
    if ((await this.#groups.get(groupId)?.records.write([])) === false) return errorCodes.COORDINATOR_NOT_AVAILABLE
    const entry = this.#groups.get(groupId)
    if (!entry) return errorCodes.GROUP_ID_NOT_FOUND
    if (entry.group.state !== 'empty') return errorCodes.NON_EMPTY_GROUP
    const { group, offsets } = entry
    const own = [...(group.kind === 'consumer' ? group.tombstones() : []), { key: groupKey(groupId), value: null }]
    const records = [...keysOf(groupId, [...offsets.entries(), ...offsets.pending()]).map((key) => ({ key, value: null })), ...own]
    // Gone at once: who joins or commits meanwhile does so in a new group, whose records lie behind these.
    this.#groups.delete(groupId)
    if ((await this.#store.write(groupId, records)) === null) {
      if (!this.#groups.has(groupId)) this.#groups.set(groupId, entry)
      return errorCodes.COORDINATOR_NOT_AVAILABLE
    }
    group.close()
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
    const due = wanted.filter(({ topic, partition }) => !subscribed(topic) && entry.offsets.get(topic, partition))
    const records = due.map(({ topic, partition }) => ({ key: offsetKey(groupId, topic, partition), value: null }))
    const at = records.length > 0 ? await this.#store.write(groupId, records) : 0
    if (at === null) return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, subscribed }
    for (const [i, { topic, partition }] of due.entries()) entry.offsets.forget(topic, partition, at + i)
    return { errorCode: errorCodes.NONE, subscribed }
  }

  /** Forgets the offsets of deleted topics, also those that are just being committed, or in a transaction. */
  async forgetTopics(topics: ReadonlySet<string>): Promise<void> {
    const underWay = [...this.#committing].filter(({ topic }) => topics.has(topic))
    for (const one of underWay) one.isForgotten = true
    for (const id of new Set([...this.#groups.keys(), ...underWay.map(({ groupId }) => groupId)])) {
      const offsets = this.offsets(id)
      const places = [...offsets.entries(), ...offsets.pending(), ...underWay.filter(({ groupId }) => groupId === id)]
      const doomed = places.filter(({ topic }) => topics.has(topic))
      for (const topic of topics) offsets.forgetTopic(topic)
      if (doomed.length > 0)
        await this.#store.write(
          id,
          keysOf(id, doomed).map((key) => ({ key, value: null })),
        )
    }
  }

  /** A topic may have been deleted just before the broker was killed: another of its name must not find the offsets of the old one. */
  forgetMissingTopics(): Promise<void> {
    const committed = [...this.#groups.values()].flatMap(({ offsets }) => [...offsets.entries(), ...offsets.pending()])
    return this.forgetTopics(new Set(committed.map(({ topic }) => topic).filter((topic) => !this.#topics.get(topic))))
  }

  /** Looks for offsets whose retention is over, now and then, from now on. */
  startExpiry(log: Logger): void {
    const again = (): void => {
      this.#stopExpiry = this.#clock.after(this.#config.number('offsets.retention.check.interval.ms'), () => {
        void this.expireOffsets()
          .then((count) => count > 0 && log.info('forgot offsets whose retention is over', { offsets: count }))
          .finally(() => this.#closed || again())
      })
    }
    again()
  }

  /** Forgets the offsets whose retention is over, and groups of which nothing is left; returns how many offsets went. */
  async expireOffsets(): Promise<number> {
    const retentionMs = this.#config.number('offsets.retention.minutes') * 60_000
    const nowMs = this.#clock.nowMs()
    let count = 0
    for (const [id, entry] of this.#groups) {
      const { group, offsets } = entry
      const expired = expiredOffsets(group, offsets, nowMs, retentionMs)
      const records = expired.map(({ topic, partition }) => ({ key: offsetKey(id, topic, partition), value: null }))
      const at = records.length > 0 ? await this.#store.write(id, records) : 0
      if (at === null) return count
      for (const [i, { topic, partition }] of expired.entries()) offsets.forget(topic, partition, at + i)
      count += expired.length
      if (offsets.isEmpty && group.state === 'empty') await this.delete(id)
    }
    return count
  }

  close(): void {
    this.#closed = true
    this.#stopExpiry()
    for (const { group } of this.#groups.values()) group.close()
    this.#groups.clear()
  }
}

function keysOf(groupId: string, places: readonly { topic: string; partition: number }[]): Uint8Array[] {
  return places.map(({ topic, partition }) => offsetKey(groupId, topic, partition))
}
