import type { Batch, Json } from '../../core/index.ts'
import { MillraceError, type Clock } from '../../platform/index.ts'
import { BadRecords } from '../bad-records.ts'
import type { PolledPage, PolledSource } from '../polled-source.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'
import type { BadKafkaRecord, KafkaRecords } from './options.ts'
import { cursorOf, findPosition, outOfRange, type Position, type RecordsKafka } from './position.ts'
import { readRecord, type HowToRead } from './read-record.ts'

export interface KafkaRecordsWorld {
  clock: Clock
  log: (line: string) => void
  /** Addresses, in words. */
  at: string
  /** To the Kafka that is read. */
  connect: (signal: AbortSignal) => Promise<RecordsKafka>
  /** How values are read, with what it takes to be closed. */
  openReading: () => { how: HowToRead; close: () => void }
}

/** So many bytes of values end a page: a page is in memory, and in one transaction. */
const pageBytes = 4 << 20
const maxWaitMs = 200

/**
 * A topic's committed records. First what is there when the run begins, one partition after the other, so that the same cursor gives the same
 * pages; then, when it is told to follow, what comes. The cursor has the offset of each partition.
 */
export function openKafkaRecords(name: string, options: KafkaRecords, world: KafkaRecordsWorld): PolledSource {
  return {
    says: `topic ${options.topic} of ${world.at}`,
    expectedRecords: null,
    read: (cursor, signal) => readTopic(name, options, world, cursor, signal),
  }
}

async function* readTopic(
  name: string,
  options: KafkaRecords,
  world: KafkaRecordsWorld,
  cursor: Json,
  signal: AbortSignal,
): AsyncGenerator<PolledPage> {
  stopIfAborted(signal)
  const { clock, log } = world
  const { for: forMs, follow, topic } = options
  const endsMs = forMs === null ? (follow ? Number.POSITIVE_INFINITY : null) : clock.monotonicMs() + forMs
  const reading = world.openReading()
  const bad = new BadRecords<BadKafkaRecord>({ source: name, option: 'onBadRecord', onBad: options.onBadRecord, log })
  try {
    await using kafka = await world.connect(signal)
    const position = await findPosition(kafka, { source: name, topic, from: options.from }, cursor)
    const run = new TopicRun({ name, options, kafka, position, how: reading.how, bad, signal })
    if (position.isToBeKept) yield run.page()
    yield* run.whatIsThere()
    if (endsMs !== null) yield* run.whatComes(() => clock.monotonicMs() >= endsMs)
  } catch (error) {
    throw error instanceof MillraceError && error.code === 'OFFSET_OUT_OF_RANGE' && error.details['source'] === undefined
      ? outOfRange(name, error)
      : error
  } finally {
    reading.close()
    bad.sayTotal()
  }
}

interface Run {
  name: string
  options: KafkaRecords
  kafka: RecordsKafka
  position: Position
  how: HowToRead
  bad: BadRecords<BadKafkaRecord>
  signal: AbortSignal
}

class TopicRun {
  readonly #run: Run
  #records: Record<string, unknown>[] = []
  #bytes = 0
  /** Something was read since the last page, if only what is left out. */
  #hasMoved = false
  #label = ''

  constructor(run: Run) {
    this.#run = run
    this.#begin()
  }

  /** What was read since the last one. */
  page(): PolledPage {
    const page = { records: this.#records, cursor: cursorOf(this.#run.position), label: this.#label }
    this.#begin()
    return page
  }

  async *whatIsThere(): AsyncGenerator<PolledPage> {
    const { ends, next } = this.#run.position
    for (const [partition, end] of ends) {
      const begins = next.get(partition) ?? 0n
      if (begins >= end) continue
      this.#begin()
      await using reader = this.#reader(new Map([[partition, begins]]))
      while ((next.get(partition) ?? 0n) < end) {
        for (const batch of await reader.poll({ signal: this.#run.signal })) yield* this.#take(batch, end)
        // What no reader sees, marks of transactions and what compaction took, stands between records and before the end.
        const [read] = reader.positions()
        if (read) this.#moveTo(partition, read.offset < end ? read.offset : end)
      }
      if (this.#hasMoved) yield this.page()
    }
  }

  async *whatComes(isOver: () => boolean): AsyncGenerator<PolledPage> {
    await using reader = this.#reader(this.#run.position.next)
    while (!isOver()) {
      for (const batch of await reader.poll({ signal: this.#run.signal })) yield* this.#take(batch, null)
      stopIfAborted(this.#run.signal)
      if (this.#records.length > 0) yield this.page()
    }
    if (this.#hasMoved) yield this.page()
  }

  #reader(offsets: ReadonlyMap<number, bigint>) {
    const { kafka, options } = this.#run
    const partitions = [...offsets.keys()]
    return kafka.reader({
      topic: options.topic,
      partitions,
      from: { offsets: new Map(offsets) },
      isolationLevel: 'read_committed',
      maxWaitMs,
    })
  }

  /** @param end nothing from there on, which came later; null: all */
  async *#take(batch: Batch, end: bigint | null): AsyncGenerator<PolledPage> {
    const { how, bad, options, signal } = this.#run
    if (typeof how.values === 'object' && !how.values.codec.isReadyFor(batch)) await how.values.codec.makeReadyFor(batch, signal)
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offsets[i] ?? 0n
      if (end !== null && offset >= end) return
      stopIfAborted(signal)
      const read = readRecord(batch, i, how)
      // What comes before is committed first, so that the next run begins at the record that is to be mended.
      if (!read.ok && bad.fails && this.#hasMoved) yield this.page()
      const where = `${batch.topic}/${batch.partition} offset ${offset}`
      const record = read.ok ? read.record : bad.take(read.bad, where, read.bad.problem)
      if (record !== null) this.#records.push({ ...record })
      this.#bytes += (batch.valueAt[2 * i + 1] ?? 0) - (batch.valueAt[2 * i] ?? 0)
      this.#moveTo(batch.partition, offset + 1n)
      if (this.#records.length >= options.records || this.#bytes >= pageBytes) yield this.page()
    }
  }

  #moveTo(partition: number, offset: bigint): void {
    const { next } = this.#run.position
    if (offset <= (next.get(partition) ?? 0n)) return
    if (!this.#hasMoved) this.#label = `${partition}@${next.get(partition) ?? 0n}`
    this.#hasMoved = true
    next.set(partition, offset)
  }

  #begin(): void {
    this.#records = []
    this.#bytes = 0
    this.#hasMoved = false
    this.#label = 'start'
  }
}
