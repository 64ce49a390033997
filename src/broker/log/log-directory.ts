import { asMillraceError, type Disk } from '../../platform/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'
import { openLog } from './open-log.ts'
import type { LogContext, PartitionLog } from './partition-log.ts'
import { applyRetention } from './retention.ts'

const checkpointIntervalMs = 60_000

/** All partition logs of a data folder: opening, the recovery points, retention, closing. */
export class LogDirectory {
  readonly #context: LogContext
  readonly #dataDir: string
  readonly #logs = new Map<string, PartitionLog>()
  readonly #recoveryPoints: Map<string, number>
  readonly #stops: (() => void)[] = []
  #checkpointDue = false
  #closed = false

  constructor(context: LogContext, dataDir: string) {
    this.#context = context
    this.#dataDir = dataDir
    this.#recoveryPoints = new Map(
      readCheckpoint(context.disk, this.#checkpointPath, 3).map(([topic, partition, offset]) => [`${topic}-${partition}`, Number(offset)]),
    )
  }

  get #checkpointPath(): string {
    return `${this.#dataDir}/recovery-point-offset-checkpoint`
  }
  get #disk(): Disk {
    return this.#context.disk
  }

  get logs(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  folder(topic: string, partition: number): string {
    return `${this.#dataDir}/${topic}-${partition}`
  }

  /** Makes a partition's folder with Kafka's `partition.metadata`. */
  make(topic: string, partition: number, topicId: string): void {
    const dir = this.folder(topic, partition)
    this.#disk.remove(dir) // of a creation that a crash cut short
    this.#disk.makeDir(dir)
    const metadata = this.#disk.open(`${dir}/partition.metadata`, { create: true })
    metadata.truncate(0)
    metadata.write([Buffer.from(`version: 0\ntopic_id: ${Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url')}\n`)], 0)
    metadata.close()
  }

  /** Opens a partition's log, recovering it; returns how many bytes a torn tail lost. */
  async open(topic: string, partition: number, config: TopicConfig): Promise<{ log: PartitionLog; cutBytes: number }> {
    const name = `${topic}-${partition}`
    const dir = this.folder(topic, partition)
    const opened = await openLog(this.#context, { topic, partition, dir, recoveryPoint: this.#recoveryPoints.get(name) ?? 0 }, config)
    opened.log.onRolled = () => this.#checkpointSoon(opened.log)
    this.#logs.set(name, opened.log)
    return opened
  }

  /** Closes a partition's log and removes its folder. The recovery point is gone from the disk with the next checkpoint. */
  async remove(topic: string, partition: number): Promise<void> {
    const name = `${topic}-${partition}`
    await this.#logs.get(name)?.close()
    this.#logs.delete(name)
    this.#recoveryPoints.delete(name)
    this.#disk.remove(this.folder(topic, partition))
  }

  /** Starts the periodic work: recovery points, retention, forgetting idle producers. */
  start(options: { retentionIntervalMs: number; producerExpirationMs: number }): void {
    this.#every(checkpointIntervalMs, () => this.checkpoint())
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
    if (this.#checkpointDue) return
    this.#checkpointDue = true
    void log.synced().then(() => {
      this.#checkpointDue = false
      if (!this.#closed) this.#tryCheckpoint()
    })
  }

  #tryCheckpoint(): void {
    try {
      this.checkpoint()
    } catch (error) {
      this.#context.log.warn('the recovery points could not be written; they are written again later', { error: asMillraceError(error) })
    }
  }

  /** Writes each log's synced offset as its recovery point, after the leader epochs that lie below it. */
  checkpoint(): void {
    for (const [name, log] of this.#logs) {
      if (!log.offline) log.epochs.save()
      this.#recoveryPoints.set(name, log.syncedOffset)
    }
    writeCheckpoint(
      this.#disk,
      this.#checkpointPath,
      [...this.#logs.values()].map((log) => [log.topic, log.partition, log.syncedOffset]),
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const stop of this.#stops) stop()
    await Promise.all([...this.#logs.values()].map((log) => log.close()))
    this.#tryCheckpoint()
  }
}
