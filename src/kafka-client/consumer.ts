import { errorCodes } from '../kafka-wire/index.ts'
import { abortReason, asMillraceError, MillraceError } from '../platform/index.ts'
import type { Batch } from './batch.ts'
import { BrokerAssignedMember } from './broker-assigned-member.ts'
import { CLOSE_TIMEOUT_MS, type CloseOptions, settledBy } from './closing.ts'
import { type Cluster, NO_TOPIC_ID } from './cluster.ts'
import { type CommittedOffset, fetchCommitted } from './committed-offsets.ts'
import { fetchPartition } from './fetch-partition.ts'
import { Fetcher } from './fetcher.ts'
import { GroupMember } from './group-member.ts'
import { findOffsets } from './list-offsets.ts'
import { fenced, type Membership } from './membership.ts'
import {
  type AssignedPartition,
  type ConsumerOptions,
  type GroupMetadata,
  type ResolvedConsumerOptions,
  resolveConsumerOptions,
  type TopicPartition,
} from './options.ts'

/**
 * A member of a consumer group. Joining and rebalancing happen within `poll`: `onRevoked` is called while the caller waits in it, so
 * no record is being handed out meanwhile. A rebalance that takes longer than `maxWaitMs` goes on between polls; they return nothing.
 */
export interface GroupConsumer extends AsyncDisposable {
  /**
   * Whole batches, in offset order per partition; empty after `maxWaitMs` without records. The next ones are fetched while the caller
   * works, at most one fetch answer a broker. One call at a time. Rejects OFFSET_OUT_OF_RANGE, details
   * `{ topic, partition, offset, logStartOffset }` (again at every call until `seek` or `pause`: never a silent reset); KAFKA when the
   * group refuses this member; CANCELLED; CLOSED.
   */
  poll(options?: { signal?: AbortSignal }): Promise<Batch[]>
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** The next `poll` goes on at `offset`. Throws BAD_REQUEST for a partition that is not assigned. */
  seek(partition: TopicPartition, offset: bigint): void
  /**
   * Offsets of the *next* records. Fenced by the generation: rejects KAFKA with details.errorName ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID,
   * FENCED_INSTANCE_ID or REBALANCE_IN_PROGRESS. Retried while the coordinator moves.
   */
  commit(offsets: readonly CommittedOffset[]): Promise<void>
  assignment(): readonly TopicPartition[]
  /** Where each assigned partition's next record is read: past what `poll` gave out, and past markers and aborted records behind it. */
  positions(): (TopicPartition & { offset: bigint })[]
  /**
   * For a transaction's `sendOffsets`; take it right after the `poll` whose records were processed. Throws KAFKA with details.errorName
   * ILLEGAL_GENERATION when the group has gone on without this member.
   */
  groupMetadata(): GroupMetadata
  /**
   * True when the member has moved on from there to a later generation and kept what it had: offsets that a transaction was refused to commit
   * (ILLEGAL_GENERATION) are to be committed again, with new metadata.
   */
  hasMovedOnFrom(metadata: GroupMetadata): boolean
  /**
   * Calls `onRevoked`, then leaves the group. Takes no longer than `timeoutMs` (default 5,000), a broker that is away included; what it
   * could not do by then is logged as a warning, and a commit that still waits rejects with CLOSED.
   */
  close(options?: CloseOptions): Promise<void>
}

const METADATA_INTERVAL_MS = 30_000
const MISSING_TOPIC_INTERVAL_MS = 1_000

class KafkaGroupConsumer implements GroupConsumer {
  readonly #cluster: Cluster
  readonly #options: ResolvedConsumerOptions
  readonly #purpose: string
  readonly #fetcher: Fetcher
  readonly #member: Membership
  readonly #onClose: (consumer: GroupConsumer) => void
  readonly #closing = new AbortController()
  #rebalancing: Promise<void> | null = null
  #joining: Promise<unknown> | null = null
  /** Until `onRevoked` has returned. */
  #owned: readonly TopicPartition[] = []
  #isPolling = false
  #metadataAtMs = 0

  constructor(cluster: Cluster, options: ResolvedConsumerOptions, onClose: (consumer: GroupConsumer) => void) {
    this.#cluster = cluster
    this.#options = options
    this.#onClose = onClose
    this.#purpose = cluster.newPurpose('group')
    this.#fetcher = new Fetcher(cluster, options)
    const Member = options.groupProtocol === 'consumer' ? BrokerAssignedMember : GroupMember
    this.#member = new Member(cluster, options, this.#purpose, () => this.#fetcher.wake())
  }

  async poll({ signal }: { signal?: AbortSignal } = {}): Promise<Batch[]> {
    this.#check(signal)
    if (this.#isPolling) throw new MillraceError('BAD_REQUEST', 'poll was called while another poll of the same consumer waits.')
    this.#isPolling = true
    try {
      return await this.#poll(signal)
    } finally {
      this.#isPolling = false
      this.#member.polled()
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const state = this.#fetcher.get(partition)
      if (state) state.paused = true
    }
    this.#fetcher.pump()
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const state = this.#fetcher.get(partition)
      if (state) state.paused = false
    }
    this.#fetcher.pump()
    this.#fetcher.wake()
  }

  seek(partition: TopicPartition, offset: bigint): void {
    const state = this.#fetcher.get(partition)
    if (!state) throw new MillraceError('BAD_REQUEST', `${partition.topic}-${partition.partition} is not assigned to this consumer.`)
    this.#fetcher.seek(state, offset)
  }

  commit(offsets: readonly CommittedOffset[]): Promise<void> {
    if (offsets.length === 0) return Promise.resolve()
    // The broker fences old generations only; a late commit must not pass under the present one.
    const isForeign = without(offsets, this.#owned).length > 0
    return isForeign ? Promise.reject(fenced(errorCodes.ILLEGAL_GENERATION, this.#options.groupId)) : this.#member.commit(offsets)
  }

  assignment(): readonly TopicPartition[] {
    return this.#owned
  }

  positions(): (TopicPartition & { offset: bigint })[] {
    return this.#fetcher.partitions.map(({ topic, partition, position }) => ({ topic, partition, offset: position }))
  }

  groupMetadata(): GroupMetadata {
    return this.#member.metadata
  }

  hasMovedOnFrom(metadata: GroupMetadata): boolean {
    return this.#member.hasMovedOnFrom(metadata)
  }

  async close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    if (this.#closing.signal.aborted) return
    const { clock } = this.#cluster
    const deadlineMs = clock.monotonicMs() + timeoutMs
    this.#closing.abort(new MillraceError('CLOSED', 'The consumer is closed.'))
    this.#fetcher.wake()
    let step = 'giving up its partitions (onRevoked)'
    const leaving = (async () => {
      if (this.#member.isMember) await this.#giveUp(this.#owned)
      step = 'leaving its group'
      await this.#member.leave()
    })()
    if (!(await settledBy(leaving, deadlineMs, clock))) this.#warnOfHaste(step, timeoutMs)
    this.#member.abandon()
    this.#fetcher.close()
    this.#cluster.connections.release(this.#purpose)
    const rebalancing = this.#rebalancing ?? Promise.resolve()
    await settledBy(rebalancing, deadlineMs, clock)
    this.#onClose(this)
  }

  #warnOfHaste(step: string, timeoutMs: number): void {
    const { groupId, sessionTimeoutMs } = this.#options
    const after = `the group gives its partitions to others after ${sessionTimeoutMs} ms, and records that were not committed are read again`
    this.#cluster.log.warn(`The consumer closed after ${timeoutMs} ms without ${step}: ${after}.`, { group: groupId })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #check(signal: AbortSignal | undefined): void {
    this.#closing.signal.throwIfAborted()
    if (signal?.aborted) throw abortReason(signal)
  }

  async #poll(signal: AbortSignal | undefined): Promise<Batch[]> {
    const { clock } = this.#cluster
    const deadlineMs = clock.monotonicMs() + this.#options.maxWaitMs
    for (;;) {
      this.#check(signal)
      this.#member.polled()
      this.#refreshMetadata()
      const leftMs = deadlineMs - clock.monotonicMs()
      if (this.#keepsReading) this.#joinMeanwhile()
      if (this.#rebalancing || this.#mustRebalance) {
        if (await this.#rebalanceWithin(leftMs, signal)) continue
        this.#check(signal)
        return []
      }
      if (this.#member.refusal) throw this.#member.refusal
      const batches = this.#fetcher.take()
      if (batches.length > 0 || leftMs <= 0) return batches
      await this.#fetcher.wait(leftMs, signal)
    }
  }

  /** Partitions that stay are read on while the group rebalances. */
  get #keepsReading(): boolean {
    return this.#member.isIncremental && !this.#member.hasLost
  }

  get #mustRebalance(): boolean {
    return this.#keepsReading ? this.#member.target !== null : this.#member.needsJoin
  }

  /** What it is to have then is the member's `target`; a refusal is told by `poll`. */
  #joinMeanwhile(): void {
    if (!this.#member.needsJoin || this.#joining) return
    this.#joining = this.#member
      .join(this.#owned)
      .catch(() => undefined)
      .finally(() => (this.#joining = null))
  }

  /** False when it goes on in the background. */
  async #rebalanceWithin(withinMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    let isDone = false
    const rebalancing = (this.#rebalancing ??= this.#rebalance())
    const observed = rebalancing.then(
      () => void (isDone = true),
      () => void (isDone = true),
    )
    const waiting = new AbortController()
    const stop = (): void => waiting.abort()
    signal?.addEventListener('abort', stop, { once: true })
    this.#closing.signal.addEventListener('abort', stop, { once: true })
    const timer = this.#cluster.clock.sleep(Math.max(0, withinMs), waiting.signal).catch(() => undefined)
    await Promise.race([observed, timer])
    stop()
    signal?.removeEventListener('abort', stop)
    this.#closing.signal.removeEventListener('abort', stop)
    if (!isDone) return false
    this.#rebalancing = null
    await rebalancing
    return true
  }

  async #rebalance(): Promise<void> {
    const target = this.#keepsReading ? this.#member.target : null
    if (!target) await this.#giveUp(this.#owned)
    const partitions = target ?? (await this.#member.join([]))
    const before = this.#owned
    const given = without(before, partitions)
    await this.#giveUp(given)
    const kept = this.#owned
    const added = without(partitions, kept)
    try {
      await this.#take(added)
    } catch (error) {
      this.#fetcher.remove(added)
      this.#owned = kept
      this.#member.requestRejoin()
      throw error
    }
    this.#member.adopted(partitions, given.length > 0)
  }

  async #take(added: readonly TopicPartition[]): Promise<void> {
    const assigned = await this.#positions(added)
    this.#closing.signal.throwIfAborted()
    this.#owned = [...this.#owned, ...added]
    this.#fetcher.add(
      assigned.map(({ topic, partition, position, committed }) => {
        const topicId = this.#cluster.topic(topic)?.topicId ?? NO_TOPIC_ID
        return fetchPartition({ topic, partition, topicId, position, positionEpoch: committed?.leaderEpoch ?? -1 })
      }),
    )
    if (added.length > 0 || !this.#member.isIncremental) await this.#options.onAssigned?.(assigned, this.#closing.signal)
  }

  /** Tells the owner that these go. Its failure is logged: the group does not wait for it. */
  async #giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    const { onLost, onRevoked } = this.#options
    // Nothing more is handed out or fetched of them from here on.
    this.#fetcher.remove(partitions)
    try {
      await (this.#member.hasLost ? onLost?.(partitions) : onRevoked?.(partitions))
    } catch (error) {
      this.#cluster.log.error('giving up partitions failed', { group: this.#options.groupId, error: asMillraceError(error) })
    }
    this.#owned = without(this.#owned, partitions)
  }

  async #positions(partitions: readonly TopicPartition[]): Promise<AssignedPartition[]> {
    if (partitions.length === 0) return []
    const { groupId, startingOffsets, fromEarliest = [], isolationLevel } = this.#options
    const { signal } = this.#closing
    const committed = new Map(
      (await fetchCommitted(this.#cluster, this.#purpose, groupId, partitions, { signal })).map((offset) => [
        `${offset.topic}-${offset.partition}`,
        offset,
      ]),
    )
    const fresh = partitions.filter(({ topic, partition }) => !committed.has(`${topic}-${partition}`))
    const startsAt = (at: 'earliest' | 'latest', isWanted: (topic: string) => boolean): ReturnType<typeof findOffsets> => {
      const wanted = fresh.filter(({ topic }) => isWanted(topic))
      return findOffsets(this.#cluster, this.#purpose, wanted, at, { signal, isolationLevel })
    }
    const starts = (
      await Promise.all([
        startsAt(startingOffsets, (topic) => !fromEarliest.includes(topic)),
        startsAt('earliest', (topic) => fromEarliest.includes(topic)),
      ])
    ).flat()
    // Known ones too: what is there may be another topic of that name.
    await this.#cluster.retrying(() => this.#cluster.refresh([...new Set(partitions.map(({ topic }) => topic))]), { signal })
    return partitions.map(({ topic, partition }) => {
      const found = committed.get(`${topic}-${partition}`)
      const start = starts.find((listed) => listed.topic === topic && listed.partition === partition)
      return {
        topic,
        partition,
        committed: found ? { offset: found.offset, leaderEpoch: found.leaderEpoch, metadata: found.metadata } : null,
        position: found?.offset ?? start?.offset ?? 0n,
      }
    })
  }

  /** Now and then, so that new partitions and topics that did not exist are seen. */
  #refreshMetadata(): void {
    const { topics } = this.#options
    const nowMs = this.#cluster.clock.monotonicMs()
    this.#member.checkPartitionCounts()
    const isMissing = topics.some((topic) => !this.#cluster.topic(topic))
    if (nowMs - this.#metadataAtMs < (isMissing ? MISSING_TOPIC_INTERVAL_MS : METADATA_INTERVAL_MS)) return
    this.#metadataAtMs = nowMs
    this.#cluster.refresh(topics).catch(() => undefined)
  }
}

function without(partitions: readonly TopicPartition[], others: readonly TopicPartition[]): TopicPartition[] {
  return partitions.filter(({ topic, partition }) => !others.some((other) => other.topic === topic && other.partition === partition))
}

export function createConsumer(cluster: Cluster, options: ConsumerOptions, onClose: (consumer: GroupConsumer) => void): GroupConsumer {
  return new KafkaGroupConsumer(cluster, resolveConsumerOptions(options), onClose)
}
