import { asMillraceError, type Disk } from '../../platform/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'
import { compactionDue, compactLog } from './compact-log.ts'
import { openLog } from './open-log.ts'
import type { LogContext } from './log-context.ts'
import type { PartitionLog } from './partition-log.ts'
import { applyRetention } from './retention.ts'

const checkpointIntervalMs = 60_000
/** A log's recovery point moves with the periodic checkpoint once so much was written: less is read again in no time. */
const worthwhileBytes = 4 << 20

/** Kafka's names: `topic partition offset` a line. */
const files = {
  recoveryPoints: 'recovery-point-offset-checkpoint',
  startOffsets: 'log-start-offset-checkpoint',
  cleaned: 'cleaner-offset-checkpoint',
} as const

/** All partition logs of a data folder: opening, the recovery points, retention, closing. */
export class LogDirectory {
  readonly #context: LogContext
  readonly dataDir: string
  readonly #logs = new Map<string, PartitionLog>()
  readonly #recoveryPoints: Map<string, number>
  readonly #startOffsets: Map<string, number>
  /** Up to where logs are compacted. */
  readonly #cleanedTo: Map<string, number>
  #cleaning: Promise<void> | null = null
  readonly #stops: (() => void)[] = []
  readonly #due = new Set<PartitionLog>()
  #closed = false

  constructor(context: LogContext, dataDir: string) {
    this.#context = context
    this.dataDir = dataDir
    this.#recoveryPoints = this.#read(files.recoveryPoints)
    this.#startOffsets = this.#read(files.startOffsets)
    this.#cleanedTo = this.#read(files.cleaned)
  }

  #read(file: string): Map<string, number> {
    const entries = readCheckpoint(this.#disk, `${this.dataDir}/${file}`, 3)
    return new Map(entries.map(([topic, partition, offset]) => [`${topic}-${partition}`, Number(offset)]))
  }
  get #disk(): Disk {
    return this.#context.disk
  }

  get logs(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  folder(topic: string, partition: number): string {
    return `${this.dataDir}/${topic}-${partition}`
  }

  /**
   * Makes a partition's folder with Kafka's `partition.metadata` (KIP-516). Synced with its first records: until then, and of the bytes of
   * that file, the catalogue is what keeps the topic's id through a power cut; a topic of thousands of partitions would wait for as many syncs.
   */
  make(topic: string, partition: number, topicId: string): void {
    const dir = this.folder(topic, partition)
    this.#disk.remove(dir) // of a creation that a crash cut short
    this.#disk.makeDir(dir, { syncFolder: false })
    const metadata = this.#disk.open(labelPath(dir), { create: true, syncFolder: false })
    try {
      metadata.write([Buffer.from(labelOf(topicId))], 0)
    } finally {
      metadata.close()
    }
  }

  /** Writes `partition.metadata`, synced, where a power cut lost or tore it, or it never was. */
  label(topic: string, partition: number, topicId: string): void {
    const path = labelPath(this.folder(topic, partition))
    const found = this.#disk.exists(path) ? Buffer.from(this.#disk.readFile(path)).toString() : ''
    // Kafka's own ends without a line's end.
    if (found.trimEnd() !== labelOf(topicId).trimEnd()) this.#disk.replaceFile(path, labelOf(topicId))
  }

  /** Opens a partition's log, recovering it; returns how many bytes a torn tail lost. */
  async open(topic: string, partition: number, config: TopicConfig): Promise<{ log: PartitionLog; cutBytes: number }> {
    const name = `${topic}-${partition}`
    const dir = this.folder(topic, partition)
    const points = {
      recoveryPoint: this.#recoveryPoints.get(name) ?? 0,
      cleanedTo: this.#cleanedTo.get(name) ?? 0,
      logStartOffset: this.#startOffsets.get(name) ?? 0,
    }
    const opened = await openLog(this.#context, { topic, partition, dir, ...points }, config)
    opened.log.onCheckpointDue = () => this.#checkpointSoon(opened.log)
    this.#logs.set(name, opened.log)
    return opened
  }

  /** Closes a partition's log and removes its folder. The recovery point is gone from the disk with the next checkpoint. */
  async remove(topic: string, partition: number): Promise<void> {
    const name = `${topic}-${partition}`
    await this.#logs.get(name)?.close()
    this.#logs.delete(name)
    this.#recoveryPoints.delete(name)
    // A topic made again under this name begins at 0: what the old one deleted or compacted must not be told of it.
    if (this.#startOffsets.delete(name)) this.#write(files.startOffsets, this.#startOffsets)
    if (this.#cleanedTo.delete(name)) this.#write(files.cleaned, this.#cleanedTo)
    this.#disk.remove(this.folder(topic, partition))
  }

  /** Starts the periodic work: recovery points, retention, forgetting idle producers. */
  start(options: { retentionIntervalMs: number; producerExpirationMs: number; compactionIntervalMs: number | null }): void {
    if (options.compactionIntervalMs !== null) this.#every(options.compactionIntervalMs, () => void this.compact())
    this.#every(checkpointIntervalMs, () => void this.#checkpoint([...this.#logs.values()], worthwhileBytes))
    this.#every(options.retentionIntervalMs, () => {
      const nowMs = this.#context.clock.nowMs()
      for (const log of this.#logs.values()) {
        log.producers.expire(nowMs - options.producerExpirationMs)
        const removed = applyRetention(log, nowMs)
        if (removed > 0)
          this.#context.log.info('removed segments by retention', { topic: log.topic, partition: log.partition, segments: removed })
      }
    })
  }

  /** Compacts all logs that are worth it, one after another; joins a pass that runs. */
  compact(): Promise<void> {
    this.#cleaning ??= this.#compactAll().finally(() => (this.#cleaning = null))
    return this.#cleaning
  }

  async #compactAll(): Promise<void> {
    const { disk, clock, log: logger } = this.#context
    for (const [name, log] of this.#logs) {
      const nowMs = clock.nowMs()
      const cleanedTo = this.#cleanedTo.get(name) ?? 0
      if (this.#closed || !compactionDue(log, cleanedTo, nowMs)) continue
      const { topic, partition, sizeBytes } = log
      log.compacting = true
      try {
        const reached = await compactLog(log, cleanedTo, {
          disk,
          nowMs,
          pause: () => new Promise((resolve) => setImmediate(resolve)),
          stopped: () => this.#closed || log.ended,
        })
        if (this.#closed || log.ended || reached === cleanedTo) continue
        this.#cleanedTo.set(name, reached)
        this.#write(files.cleaned, this.#cleanedTo)
        logger.debug('compacted a log', { topic, partition, bytesBefore: sizeBytes, bytesAfter: log.sizeBytes })
      } catch (error) {
        if (!log.ended) logger.warn('a log could not be compacted; it is tried again', { topic, partition, error: asMillraceError(error) })
      } finally {
        log.compacting = false
      }
    }
  }

  #every(ms: number, action: () => void): void {
    const index = this.#stops.push(() => {}) - 1
    const again = (): void => {
      try {
        action()
      } catch (error) {
        this.#context.log.warn('housekeeping failed; it is tried again', { error: asMillraceError(error) })
      }
      if (!this.#closed) this.#stops[index] = this.#context.clock.after(ms, again)
    }
    this.#stops[index] = this.#context.clock.after(ms, again)
  }

  #checkpointSoon(log: PartitionLog): void {
    if (this.#due.has(log)) return
    this.#due.add(log)
    // Not within the append that made it due.
    setImmediate(() => {
      this.#due.delete(log)
      void this.#checkpoint([log], 0)
    })
  }

  /** Moves the recovery points of logs up to their ends and writes them down. */
  async #checkpoint(logs: readonly PartitionLog[], leastBytes: number): Promise<void> {
    for (const log of logs) {
      try {
        await log.checkpoint(leastBytes)
      } catch (error) {
        // Its point stays where it was; those of the others move.
        const { topic, partition } = log
        this.#context.log.warn('a recovery point could not be moved; it is tried again', {
          topic,
          partition,
          error: asMillraceError(error),
        })
      }
    }
    try {
      if (!this.#closed) this.writePoints()
    } catch (error) {
      this.#context.log.warn('the recovery points could not be written; they are written again later', { error: asMillraceError(error) })
    }
  }

  /** Writes each log's recovery point; what lies beside it on the disk was written before. */
  writePoints(): void {
    for (const [name, log] of this.#logs) this.#recoveryPoints.set(name, log.recoveryPoint.offset)
    this.#write(files.recoveryPoints, this.#recoveryPoints)
    for (const log of this.#logs.values()) log.recoveryPoint.keep()
  }

  /** Of all logs, also of those that a start has not opened yet: what is not written is forgotten. */
  #write(file: string, offsets: ReadonlyMap<string, number>): void {
    const entries = [...offsets].map(([name, offset]) => {
      const dash = name.lastIndexOf('-')
      return [name.slice(0, dash), name.slice(dash + 1), offset]
    })
    writeCheckpoint(this.#disk, `${this.dataDir}/${file}`, entries)
  }

  /** Deletes the records of logs below an offset each (KIP-107): on the disk when this returns, and gone for readers. */
  deleteRecords(deletions: readonly { log: PartitionLog; offset: number }[]): void {
    const offsets = new Map(deletions.map(({ log, offset }) => [log, Math.max(offset, log.logStartOffset)]))
    const next = new Map(this.#startOffsets)
    for (const [{ topic, partition }, offset] of offsets) next.set(`${topic}-${partition}`, offset)
    this.#write(files.startOffsets, next)
    for (const [log, offset] of offsets) {
      this.#startOffsets.set(`${log.topic}-${log.partition}`, offset)
      log.deleteBefore(offset)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const stop of this.#stops) stop()
    await this.#cleaning
    await Promise.all([...this.#logs.values()].map((log) => log.close()))
    try {
      this.writePoints()
    } catch (error) {
      this.#context.log.warn('the recovery points could not be written; the next start reads more', { error: asMillraceError(error) })
    }
  }
}

function labelPath(dir: string): string {
  return `${dir}/partition.metadata`
}

function labelOf(topicId: string): string {
  return `version: 0\ntopic_id: ${Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url')}\n`
}
