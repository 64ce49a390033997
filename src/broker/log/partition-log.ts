import { errorCodes, patchBatch, type BatchHeader } from '../../kafka-wire/index.ts'
import { asMillraceError, MillraceError, type Clock, type Disk, type Logger } from '../../platform/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { batchHeaderBytes, batchSizeAt, lastOffsetAt, wholeBatches } from './batch-view.ts'
import { checkBatch } from './check-batch.ts'
import { GroupCommit } from './group-commit.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { stampLogAppendTime } from './log-append-time.ts'
import { storageError, type Appended, type Read } from './outcomes.ts'
import { sequenceAfter, type ProducerStates } from './producer-states.ts'
import { Segment, segmentName } from './segment.ts'

export interface LogContext {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
  /** `os` makes records visible without a sync. */
  readonly flush: 'sync' | 'os'
  /** This start's leader epoch (P1: raised at each start). */
  readonly leaderEpoch: number
}

/** What recovery found of one partition; the log is built from it. */
export interface LogParts {
  readonly topic: string
  readonly partition: number
  readonly dir: string
  readonly segments: Segment[]
  readonly logEndOffset: number
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
}

interface End {
  offset: number
  segment: Segment
  position: number
}

const noRecords = Buffer.alloc(0)
const rememberedPositions = 32

/** The log of one partition: segments, high watermark, idempotent producers. All writes are synchronous, into the page cache. */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly dir: string
  readonly epochs: LeaderEpochs
  readonly producers: ProducerStates
  readonly #context: LogContext
  readonly #segments: Segment[]
  readonly #commit: GroupCommit<End>
  #config: TopicConfig
  #logEndOffset: number
  #visible: End
  #syncedOffset: number
  #offline: MillraceError | null = null
  #full = false
  #closed = false
  #waiting: { offset: number; resolve: (error: MillraceError | null) => void }[] = []
  readonly #watchers = new Set<() => void>()
  readonly #positions = new Map<number, { segment: Segment; position: number }>()
  /** Called when a segment was rolled: its end is a new recovery point as soon as it is synced. */
  onRolled: (() => void) | null = null

  constructor(context: LogContext, parts: LogParts, config: TopicConfig) {
    this.topic = parts.topic
    this.partition = parts.partition
    this.dir = parts.dir
    this.epochs = parts.epochs
    this.producers = parts.producers
    this.#context = context
    this.#segments = parts.segments
    this.#config = config
    this.#logEndOffset = parts.logEndOffset
    this.#visible = this.#end()
    this.#syncedOffset = parts.logEndOffset
    this.#commit = new GroupCommit({
      capture: () => this.#end(),
      onSynced: (end) => this.#synced(end),
      onFailed: (error) => this.#takeOffline(error),
    })
  }

  get logStartOffset(): number {
    return this.#segments[0]?.baseOffset ?? 0
  }
  get logEndOffset(): number {
    return this.#logEndOffset
  }
  /** First offset readers do not see: the synced end (P1), or the log's end with `flush: 'os'`. */
  get highWatermark(): number {
    return this.#visible.offset
  }
  /** Everything below lies on the disk, whatever happens. */
  get syncedOffset(): number {
    return this.#syncedOffset
  }
  /** Whether a reader need not wait any longer. */
  get ended(): boolean {
    return this.#closed || this.#offline !== null
  }
  /** The error that took this log offline. */
  get offline(): MillraceError | null {
    return this.#offline
  }
  get leaderEpoch(): number {
    return this.#context.leaderEpoch
  }
  get config(): TopicConfig {
    return this.#config
  }
  get segments(): readonly Segment[] {
    return this.#segments
  }
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  configure(config: TopicConfig): void {
    this.#config = config
  }

  /** Checks and appends one batch as a producer sent it; its bytes are patched in place. Never decodes (except compacted topics). */
  append(bytes: Uint8Array): Appended {
    if (this.#offline || this.#closed) return storageError(this.#offline)
    const nowMs = this.#context.clock.nowMs()
    const checked = checkBatch(bytes, this.#config, nowMs)
    if (!checked.ok) return checked
    const { header } = checked
    if (header.producerId >= 0n) {
      const sequence = this.producers.check(Number(header.producerId), header.producerEpoch, header.baseSequence, header.recordCount)
      if (sequence.is === 'duplicate') return this.#appended(sequence.of.baseOffset, sequence.of.lastOffset + 1, sequence.of.timestampMs)
      if (sequence.is === 'gap') return { ok: false, errorCode: errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, message: sequence.message }
      if (sequence.is === 'fenced') return { ok: false, errorCode: errorCodes.INVALID_PRODUCER_EPOCH, message: sequence.message }
    }
    if (this.#config.logAppendTime) stampLogAppendTime(bytes, nowMs)
    return this.#write(bytes, header, this.#config.logAppendTime ? nowMs : Number(header.maxTimestamp))
  }

  #appended(baseOffset: number, endOffset: number, timestampMs: number): Appended {
    return { ok: true, baseOffset, endOffset, logAppendTimeMs: this.#config.logAppendTime ? timestampMs : -1 }
  }

  #write(bytes: Uint8Array, header: BatchHeader, timestampMs: number): Appended {
    const baseOffset = this.#logEndOffset
    patchBatch(bytes, 0, { baseOffset: BigInt(baseOffset), partitionLeaderEpoch: this.#context.leaderEpoch })
    const segment = this.#writable(bytes.length, header.recordCount, timestampMs)
    if (!segment || !this.#writeBytes(segment, bytes)) return storageError(this.#offline)
    const lastOffset = baseOffset + header.lastOffsetDelta
    segment.noteBatch(lastOffset, bytes.length, timestampMs, this.#config.indexIntervalBytes)
    this.#logEndOffset = lastOffset + 1
    this.epochs.note(this.#context.leaderEpoch, baseOffset)
    if (header.producerId >= 0n) {
      this.producers.note(Number(header.producerId), header.producerEpoch, {
        firstSequence: header.baseSequence,
        lastSequence: sequenceAfter(header.baseSequence, header.recordCount - 1),
        baseOffset,
        lastOffset,
        timestampMs: this.#config.logAppendTime ? timestampMs : this.#context.clock.nowMs(),
      })
    }
    if (this.#context.flush === 'sync') this.#commit.wrote(segment.file)
    else this.#show(this.#end())
    return this.#appended(baseOffset, lastOffset + 1, timestampMs)
  }

  /** The active segment, rolled first where the batch does not fit or is `segment.ms` younger (Kafka: its time, not the clock's); null when that failed. */
  #writable(bytes: number, records: number, timestampMs: number): Segment | null {
    const active = this.#active()
    const old = active.firstTimestampMs >= 0 && timestampMs - active.firstTimestampMs > this.#config.segmentMs
    const far = this.#logEndOffset + records - active.baseOffset > 0x7fff_ffff
    if (active.sizeBytes === 0 || (active.sizeBytes + bytes <= this.#config.segmentBytes && !old && !far)) return active
    try {
      return this.#roll(active)
    } catch (error) {
      this.#writeFailed(asMillraceError(error, 'DISK_FAILED'))
      return null
    }
  }

  #roll(active: Segment): Segment {
    active.seal()
    this.#context.disk.replaceFile(`${this.dir}/${segmentName(this.#logEndOffset)}.snapshot`, this.producers.toSnapshot())
    const next = new Segment(this.#context.disk, this.dir, this.#logEndOffset, 'growing')
    if (next.file.sizeBytes() > 0) next.file.truncate(0)
    this.#segments.push(next)
    this.#commit.wrote(active.file)
    this.onRolled?.()
    return next
  }

  #writeBytes(segment: Segment, bytes: Uint8Array): boolean {
    try {
      segment.file.write([bytes], segment.sizeBytes)
    } catch (error) {
      this.#undoWrite(segment)
      this.#writeFailed(asMillraceError(error, 'DISK_FAILED'))
      return false
    }
    if (this.#full) this.#context.log.info('there is room on the disk again', { topic: this.topic, partition: this.partition })
    this.#full = false
    return true
  }

  /** A write that failed half-way leaves no bytes behind. */
  #undoWrite(segment: Segment): void {
    try {
      segment.file.truncate(segment.sizeBytes)
    } catch (error) {
      this.#takeOffline(asMillraceError(error, 'DISK_FAILED'))
    }
  }

  #writeFailed(error: MillraceError): void {
    if (error.code !== 'DISK_FULL') return this.#takeOffline(error)
    if (!this.#full)
      this.#context.log.warn('the disk is full: producers are told to try again', { topic: this.topic, partition: this.partition, error })
    this.#full = true
  }

  /** P1: after a failed sync nothing unsynced is trusted; the log stays offline until the next start. */
  #takeOffline(error: MillraceError): void {
    if (this.#offline) return
    this.#offline = error
    this.#context.log.error('this log is offline until the next start', { topic: this.topic, partition: this.partition, error })
    const waiting = this.#waiting
    this.#waiting = []
    for (const waiter of waiting) waiter.resolve(error)
    for (const watcher of this.#watchers) watcher()
  }

  #active(): Segment {
    const active = this.#segments.at(-1)
    if (!active) throw new Error(`${this.dir} has no segment`)
    return active
  }

  #end(): End {
    const segment = this.#active()
    return { offset: this.#logEndOffset, segment, position: segment.sizeBytes }
  }

  #synced(end: End): void {
    this.#syncedOffset = Math.max(this.#syncedOffset, end.offset)
    if (this.#context.flush === 'sync') this.#show(end)
  }

  #show(end: End): void {
    if (end.offset <= this.#visible.offset && end.segment === this.#visible.segment) return
    this.#visible = end
    if (this.#waiting.length > 0) {
      const due = this.#waiting
      this.#waiting = due.filter((waiter) => waiter.offset > end.offset)
      for (const waiter of due) if (waiter.offset <= end.offset) waiter.resolve(null)
    }
    for (const watcher of this.#watchers) watcher()
  }

  /** Resolves once the high watermark reaches `offset` (acks=all, P1), with null, or with the error that took the log offline. */
  visible(offset: number): Promise<MillraceError | null> {
    if (this.#offline) return Promise.resolve(this.#offline)
    if (this.#visible.offset >= offset) return Promise.resolve(null)
    return new Promise((resolve) => this.#waiting.push({ offset, resolve }))
  }

  /** Resolves once no sync runs and none is due. */
  synced(): Promise<void> {
    return this.#commit.idle()
  }

  /** Calls `watcher` whenever the high watermark moves or the log goes offline; returns how to stop. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /**
   * Whole batches from the one that holds `offset` on, below the high watermark, at most `maxBytes`; the first batch is
   * given even when it alone is larger, if `atLeastOne`.
   */
  read(offset: number, maxBytes: number, atLeastOne: boolean): Read {
    if (this.#closed) return { ok: false, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
    if (this.#offline) return { ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR }
    if (offset < this.logStartOffset || offset > this.#logEndOffset) return { ok: false, errorCode: errorCodes.OFFSET_OUT_OF_RANGE }
    if (offset >= this.#visible.offset) return { ok: true, records: noRecords }
    for (let i = this.segmentIndex(offset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]
      if (!segment) break
      const limit = this.visibleBytes(segment)
      const position = this.#locate(segment, offset, limit)
      if (position < limit) return { ok: true, records: this.#readBatches(segment, position, limit, maxBytes, atLeastOne) }
    }
    return { ok: true, records: noRecords }
  }

  /** Visible bytes from the batch that holds `offset` on; counting stops at `enough`. */
  bytesFrom(offset: number, enough: number): number {
    let bytes = 0
    if (offset < this.logStartOffset || offset >= this.#visible.offset) return bytes
    for (let i = this.segmentIndex(offset); i < this.#segments.length && bytes < enough; i++) {
      const segment = this.#segments[i]
      if (!segment) break
      const limit = this.visibleBytes(segment)
      bytes += limit - this.#locate(segment, offset, limit)
    }
    return bytes
  }

  #locate(segment: Segment, offset: number, limit: number): number {
    if (offset <= segment.baseOffset) return 0
    const known = this.#positions.get(offset)
    return known?.segment === segment ? known.position : segment.locate(offset, limit)
  }

  #readBatches(segment: Segment, position: number, limit: number, maxBytes: number, atLeastOne: boolean): Buffer {
    const room = Math.min(limit - position, Math.max(maxBytes, atLeastOne ? batchHeaderBytes : 0))
    if (room < batchHeaderBytes) return noRecords
    let bytes = Buffer.allocUnsafe(room)
    segment.file.read(bytes, 0, room, position)
    let whole = wholeBatches(bytes)
    if (whole.length === 0 && atLeastOne) {
      whole = { length: batchSizeAt(bytes, 0), lastAt: 0 }
      bytes = Buffer.allocUnsafe(whole.length)
      segment.file.read(bytes, 0, whole.length, position)
    }
    if (whole.length > 0) this.#remember(lastOffsetAt(bytes, whole.lastAt) + 1, segment, position + whole.length)
    return bytes.subarray(0, whole.length)
  }

  /** Where a reader that goes on from here will read next, so that nothing has to be looked up. */
  #remember(offset: number, segment: Segment, position: number): void {
    this.#positions.set(offset, { segment, position })
    if (this.#positions.size <= rememberedPositions) return
    for (const oldest of this.#positions.keys()) {
      this.#positions.delete(oldest)
      break
    }
  }

  /** The whole batch that begins at `position`. */
  batchAt(segment: Segment, position: number): Buffer {
    return this.#readBatches(segment, position, segment.sizeBytes, 0, true)
  }

  /** Index of the segment that holds `offset`, or would. */
  segmentIndex(offset: number): number {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle]?.baseOffset ?? Infinity) <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /** Bytes of a segment that lie below the high watermark. */
  visibleBytes(segment: Segment): number {
    if (segment === this.#visible.segment) return this.#visible.position
    return segment.baseOffset < this.#visible.segment.baseOffset ? segment.sizeBytes : 0
  }

  /** Removes the first `count` segments (retention); the active one always stays. */
  dropSegments(count: number): void {
    const dropped = this.#segments.splice(0, Math.min(count, this.#segments.length - 1))
    for (const segment of dropped) segment.remove()
    this.#positions.clear()
    this.epochs.startAt(this.logStartOffset)
  }

  /** Syncs what is left and closes the files; the indexes are written too. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const watcher of this.#watchers) watcher()
    if (!this.#offline) this.#commit.wrote(this.#active().file)
    await this.#commit.idle()
    const closed = new MillraceError('CLOSED', 'The log was closed.')
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(closed)
    if (!this.#offline) this.#save()
    for (const segment of this.#segments) segment.close()
  }

  /** Only spares the next start some work: it rebuilds what is not written here. */
  #save(): void {
    try {
      this.#active().seal()
      this.epochs.save()
    } catch (error) {
      this.#context.log.warn('the indexes could not be written; the next start rebuilds them', {
        topic: this.topic,
        partition: this.partition,
        error,
      })
    }
  }
}
