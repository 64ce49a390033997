import { errorCodes, patchBatch, readBatchHeader, type BatchHeader } from '../../kafka-wire/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import type { AbortedTransaction } from './aborted-index.ts'
import { checkBatch } from './check-batch.ts'
import { checkProducer } from './check-producer.ts'
import { encodeMarker, type Marker } from './control-records.ts'
import { GroupCommit } from './group-commit.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { stampLogAppendTime } from './log-append-time.ts'
import type { LogContext, LogParts } from './log-context.ts'
import { LogReader, type End } from './log-reader.ts'
import { refuse, reject, storageError, unreadable, type Appended, type Found, type Read } from './outcomes.ts'
import { noteBatch } from './note-batch.ts'
import type { ProducerStates } from './producer-states.ts'
import { RecoveryPoint, snapshotPath } from './recovery-point.ts'
import { Segment } from './segment.ts'
import { StorageHealth } from './storage-health.ts'
import { inTopicCodec } from './topic-codec.ts'
import { Visibility } from './visibility.ts'

const noRecords = Buffer.alloc(0)

/**
 * The log of one partition: segments, high watermark, last stable offset, idempotent and transactional producers. All writes are
 * synchronous, into the page cache.
 */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly dir: string
  readonly epochs: LeaderEpochs
  readonly producers: ProducerStates
  readonly reader: LogReader
  readonly recoveryPoint: RecoveryPoint
  readonly #context: LogContext
  readonly #segments: Segment[]
  readonly #commit: GroupCommit<End>
  #config: TopicConfig
  #logStartOffset: number
  #logEndOffset: number
  readonly #visibility: Visibility
  #syncedOffset: number
  readonly #health: StorageHealth
  #closed = false
  /** Something is not on the disk as the next start would best find it. */
  #unsaved: boolean
  /** Its segments are being rewritten: none may be removed meanwhile. */
  compacting = false
  /** Called when a segment was rolled, or much was written since the recovery point: a checkpoint is due. */
  onCheckpointDue: (() => void) | null = null

  constructor(context: LogContext, parts: LogParts, config: TopicConfig) {
    this.topic = parts.topic
    this.partition = parts.partition
    this.dir = parts.dir
    this.epochs = parts.epochs
    this.producers = parts.producers
    this.#context = context
    this.#segments = parts.segments
    this.#config = config
    this.reader = new LogReader(parts.segments)
    this.#logStartOffset = parts.logStartOffset
    this.#logEndOffset = parts.logEndOffset
    this.recoveryPoint = new RecoveryPoint(context.disk, parts.dir, parts.recoveryPoint)
    this.#visibility = new Visibility(this.#end())
    this.#health = new StorageHealth(context.log, { topic: this.topic, partition: this.partition }, (error) => {
      this.#visibility.fail(error)
      this.#visibility.notify()
    })
    this.producers.forgetDecided(parts.logEndOffset)
    this.#syncedOffset = parts.logEndOffset
    const hasIndexes = Segment.hasIndexes(context.disk, parts.dir, this.#active().baseOffset)
    this.#unsaved = parts.logEndOffset > 0 && (parts.recoveryPoint < parts.logEndOffset || !hasIndexes)
    if (parts.recoveryPoint < parts.logEndOffset) this.recoveryPoint.wrote(this.#active().sizeBytes)
    this.#commit = new GroupCommit({
      capture: () => this.#end(),
      onSynced: (end) => this.#synced(end),
      onFailed: (error) => this.#health.takeOffline(error),
    })
  }

  /** First offset readers may ask for: of the first segment, or further on (DeleteRecords). */
  get logStartOffset(): number {
    return Math.max(this.#logStartOffset, this.#segments[0]?.baseOffset ?? 0)
  }
  get logEndOffset(): number {
    return this.#logEndOffset
  }
  /** First offset readers do not see: the synced end (P1), or the log's end with `flush: 'os'`. */
  get highWatermark(): number {
    return this.#visibility.end.offset
  }
  /** First offset that readers of committed records do not see: that of the first open transaction, or the high watermark (KIP-98). */
  get lastStableOffset(): number {
    const { offset } = this.#visibility.end
    // A transaction whose beginning was deleted is undecided from the log's start on.
    return Math.min(Math.max(this.producers.firstUndecided(offset) ?? offset, this.logStartOffset), offset)
  }
  /** Everything below lies on the disk, whatever happens. */
  get syncedOffset(): number {
    return this.#syncedOffset
  }
  /** Whether a reader need not wait any longer. */
  get ended(): boolean {
    return this.#closed || this.#health.offline !== null
  }
  /** The error that took this log offline. */
  get offline(): MillraceError | null {
    return this.#health.offline
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

  /** Checks and appends one batch as a producer sent it; its bytes are patched in place. Never decodes (except compacted topics, and where the topic asks for another codec). */
  append(bytes: Uint8Array): Appended {
    if (this.#health.offline || this.#closed) return storageError(this.#health.offline)
    const nowMs = this.#context.clock.nowMs()
    const checked = checkBatch(bytes, this.#config, nowMs)
    if (!checked.ok) return checked
    const answered = checkProducer(this.producers, checked.header)
    if (answered) return answered
    const batch = inTopicCodec(bytes, checked.header, this.#config)
    if (!batch.ok) return batch
    const { header } = batch
    if (this.#config.logAppendTime) stampLogAppendTime(batch.bytes, nowMs)
    return this.#write(batch.bytes, header, this.#config.logAppendTime ? nowMs : Number(header.maxTimestamp))
  }

  /** Appends a batch of the broker's own (offsets, states of transactions) without the checks that clients need. */
  appendOwn(bytes: Uint8Array): Appended {
    if (this.#health.offline || this.#closed) return storageError(this.#health.offline)
    const header = readBatchHeader(bytes, 0)
    if (!header) return refuse(errorCodes.CORRUPT_MESSAGE, 'no record batch')
    return this.#write(bytes, header, Number(header.maxTimestamp))
  }

  /** Ends a producer's transaction in this partition, whether one is open here or not; fenced by a newer epoch (INVALID_PRODUCER_EPOCH). */
  appendMarker(marker: Marker): Appended {
    const state = this.producers.get(marker.producerId)
    if (state && marker.epoch < state.epoch) {
      return reject(
        errorCodes.INVALID_PRODUCER_EPOCH,
        `Producer ${marker.producerId} has epoch ${state.epoch}, the marker ${marker.epoch}.`,
      )
    }
    return this.appendOwn(encodeMarker(marker, this.#context.clock.nowMs()))
  }

  #write(bytes: Uint8Array, header: BatchHeader, timestampMs: number): Appended {
    const baseOffset = this.#logEndOffset
    Object.assign(header, { baseOffset: BigInt(baseOffset), partitionLeaderEpoch: this.leaderEpoch, maxTimestamp: BigInt(timestampMs) })
    patchBatch(bytes, 0, header)
    const segment = this.#writable(bytes.length, header.recordCount, timestampMs)
    if (!segment || !this.#writeBytes(segment, bytes)) return storageError(this.#health.offline)
    const lastOffset = baseOffset + header.lastOffsetDelta
    if (!this.#note(segment, header, bytes)) return storageError(this.#health.offline)
    this.#unsaved = true
    this.#logEndOffset = lastOffset + 1
    if (this.#context.flush === 'sync') this.#commit.wrote(segment.file)
    else this.#show(this.#end())
    if (this.recoveryPoint.wrote(bytes.length)) this.onCheckpointDue?.()
    return { ok: true, baseOffset, endOffset: lastOffset + 1, logAppendTimeMs: this.#config.logAppendTime ? timestampMs : -1 }
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
      this.#health.writeFailed(error)
      return null
    }
  }

  #roll(active: Segment): Segment {
    active.seal()
    this.#context.disk.replaceFile(snapshotPath(this.dir, this.#logEndOffset), this.producers.toSnapshot())
    const next = new Segment(this.#context.disk, this.dir, this.#logEndOffset, 'growing')
    if (next.file.sizeBytes() > 0) next.file.truncate(0)
    this.#segments.push(next)
    this.#commit.wrote(active.file)
    this.onCheckpointDue?.()
    return next
  }

  /** Indexes that lie on the disk already are read to be added to. Without them the batch could not be found: the log goes offline. */
  #note(segment: Segment, header: BatchHeader, bytes: Uint8Array): boolean {
    const { producers, epochs } = this
    try {
      noteBatch({ segment, producers, epochs, config: this.#config, nowMs: this.#context.clock.nowMs() }, header, bytes, 0)
      return true
    } catch (error) {
      this.#health.takeOffline(error)
      return false
    }
  }

  #writeBytes(segment: Segment, bytes: Uint8Array): boolean {
    try {
      segment.file.write([bytes], segment.sizeBytes)
    } catch (error) {
      this.#undoWrite(segment)
      this.#health.writeFailed(error)
      return false
    }
    this.#health.wrote()
    return true
  }

  /** A write that failed half-way leaves no bytes behind. */
  #undoWrite(segment: Segment): void {
    try {
      segment.file.truncate(segment.sizeBytes)
    } catch (error) {
      this.#health.takeOffline(error)
    }
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
    if (!this.#visibility.show(end)) return
    this.producers.forgetDecided(end.offset)
    this.#visibility.notify()
  }

  /** Resolves once the high watermark reaches `offset` (acks=all, P1), with null, or with the error that took the log offline. */
  visible(offset: number): Promise<MillraceError | null> {
    if (this.#health.offline) return Promise.resolve(this.#health.offline)
    return this.#visibility.until(offset)
  }

  /** Resolves once no sync runs and none is due. */
  synced(): Promise<void> {
    return this.#commit.idle()
  }

  /** Calls `watcher` whenever the high watermark moves or the log goes offline; returns how to stop. */
  watch(watcher: () => void): () => void {
    return this.#visibility.watch(watcher)
  }

  /** The place up to which readers see: all, or only what is decided (read_committed). */
  visibleEnd(committedOnly = false): End {
    const stable = committedOnly ? this.lastStableOffset : this.#visibility.end.offset
    return stable < this.#visibility.end.offset ? this.reader.endAt(stable, this.#visibility.end) : this.#visibility.end
  }

  /**
   * Whole batches from the one that holds `offset` on, below the high watermark (or the last stable offset), at most `maxBytes`;
   * the first batch is given even when it alone is larger, if `atLeastOne`.
   */
  read(offset: number, maxBytes: number, atLeastOne: boolean, committedOnly = false): Read {
    if (this.#closed) return { ok: false, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
    if (this.#health.offline) return { ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR }
    if (offset < this.logStartOffset || offset > this.#logEndOffset) return { ok: false, errorCode: errorCodes.OFFSET_OUT_OF_RANGE }
    if (offset >= this.#visibility.end.offset) return { ok: true, records: noRecords }
    const read = this.look(() => this.reader.read(offset, this.visibleEnd(committedOnly), maxBytes, atLeastOne))
    return read.ok ? { ok: true, records: read.found } : read
  }

  /** Visible bytes from the batch that holds `offset` on; counting stops at `enough`, and there is no more to wait for where it cannot be read. */
  bytesFrom(offset: number, enough: number, committedOnly = false): number {
    if (offset < this.logStartOffset) return 0
    const counted = this.look(() => this.reader.bytesFrom(offset, this.visibleEnd(committedOnly), enough))
    return counted.ok ? counted.found : enough
  }

  /** What is found in the segments, or KAFKA_STORAGE_ERROR where the disk does not give them back. */
  look<T>(find: () => T): Found<T> {
    try {
      return { ok: true, found: find() }
    } catch (error) {
      if (!unreadable(error)) throw error
      this.#health.readFailed(error)
      return { ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR }
    }
  }

  /** Aborted transactions with records from `offset` on, below `end`. */
  aborted(offset: number, end: number): AbortedTransaction[] {
    return this.reader.aborted(offset, end)
  }

  /** Removes the first `count` segments (retention); the active one always stays. */
  dropSegments(count: number): void {
    const dropped = this.#segments.splice(0, Math.min(count, this.#segments.length - 1))
    for (const segment of dropped) segment.remove()
    this.reader.forget()
    this.epochs.startAt(this.logStartOffset)
  }

  /** Puts a compacted segment in the place of `count` segments from the one with its base offset on. */
  replaceSegments(count: number, compacted: Segment): void {
    const at = this.#segments.findIndex(({ baseOffset }) => baseOffset === compacted.baseOffset)
    for (const segment of this.#segments.splice(at, count, compacted)) segment.close()
    this.reader.forget()
  }

  /** Moves the log's start up (KIP-107); whole segments below it go. The caller keeps it on the disk. */
  deleteBefore(offset: number): void {
    this.#logStartOffset = Math.max(this.#logStartOffset, offset)
    if (this.compacting) return
    const whole = this.#segments.findLastIndex(({ baseOffset }, i) => i > 0 && baseOffset <= offset && baseOffset < this.#syncedOffset)
    if (whole > 0) this.dropSegments(whole)
    this.epochs.startAt(this.logStartOffset)
  }

  /**
   * Makes the log's present end the recovery point: syncs, then writes indexes, producers (`.snapshot`) and epochs, so that a start
   * after a crash scans only what comes later. Nothing happens when less than `least` bytes came since the last one.
   */
  async checkpoint(least: number): Promise<void> {
    const end = this.#end()
    if (this.ended || end.offset <= this.recoveryPoint.offset || this.recoveryPoint.written < least) return
    const snapshot = this.producers.toSnapshot()
    await this.#commit.sync(end.segment.file)
    if (this.ended || this.#syncedOffset < end.offset) return
    // A segment that was rolled meanwhile is sealed already.
    if (end.segment === this.#active()) end.segment.saveIndexes()
    this.#movePoint(end.offset, snapshot)
    this.#unsaved = this.#logEndOffset > end.offset
  }

  #movePoint(offset: number, snapshot: Buffer): void {
    this.epochs.save()
    this.recoveryPoint.move(offset, snapshot, (point) => this.#segments.some(({ baseOffset }) => baseOffset === point))
  }

  /** Syncs what is left and closes the files; indexes and producers are written too. Nothing is, where nothing came: with thousands of logs it would take minutes. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#visibility.notify()
    if (this.#unsaved && !this.#health.offline) this.#commit.wrote(this.#active().file)
    await this.#commit.idle()
    this.#visibility.fail(new MillraceError('CLOSED', 'The log was closed.'))
    if (this.#unsaved && !this.#health.offline) this.#save()
    for (const segment of this.#segments) segment.close()
  }

  /** Only spares the next start some work: it rebuilds what is not written here. */
  #save(): void {
    try {
      this.#active().seal()
      this.#movePoint(this.#logEndOffset, this.producers.toSnapshot())
    } catch (error) {
      this.#context.log.warn('the indexes could not be written; the next start rebuilds them', {
        topic: this.topic,
        partition: this.partition,
        error,
      })
    }
  }
}
