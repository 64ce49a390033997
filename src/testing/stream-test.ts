import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { recordKey, tableId, type Header, type LoadedStream, type StepFunction, type StreamState } from '../core/index.ts'
import { jsonCodec } from '../formats/index.ts'
import { partitionForKey } from '../kafka-client/index.ts'
import { asMillraceError, MillraceError, silentLogger } from '../platform/index.ts'
import { deadLettersOf, runStream, type DeadLetter, type StoredRecord } from '../streams/index.ts'
import { MemoryKafka } from './memory-kafka.ts'
import { MemoryTable, type RefusesRow } from './memory-table.ts'
import { TestClock } from './test-clock.ts'
import type { PushedRecord, StreamTest, TestDeadLetter } from './test-stream.ts'

const defaultStartMs = Date.UTC(2026, 0, 1)
const eagerTurns = 100
/** How long, in real time, the moving clock waits for a step that may be at work and may hang until its time-out. */
const graceMs = 20

/** See `testStream`. */
export async function runStreamTest<In, Row>(stream: LoadedStream, startMs: number = defaultStartMs): Promise<StreamTest<In, Row>> {
  const run = new RunningTest<In, Row>(stream, startMs)
  await run.settled()
  return run
}

class RunningTest<In, Row> implements StreamTest<In, Row> {
  readonly clock: StreamTest<In, Row>['clock']
  state: StreamState = { is: 'starting' }
  readonly #stream: LoadedStream
  readonly #kafka: MemoryKafka
  readonly #table: MemoryTable
  readonly #clock: TestClock
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>
  #end: { error: MillraceError | null } | null = null
  /** Calls of steps that are pending. */
  #pending = 0
  #pendingWithTimeout = 0

  constructor(stream: LoadedStream, startMs: number) {
    this.#stream = stream
    this.#kafka = new MemoryKafka(stream.topic.name, stream.topic.partitions)
    this.#table = new MemoryTable(stream.table)
    this.#clock = new TestClock(startMs)
    this.clock = {
      nowMs: () => this.#clock.nowMs(),
      advance: async (ms) => {
        await this.#clock.advance(ms, () => this.#settle(true))
        this.#throwIfEnded()
      },
    }
    this.#ended = this.#run().then(
      () => void (this.#end = { error: null }),
      (error: unknown) => void (this.#end = { error: asMillraceError(error) }),
    )
  }

  async push(records: readonly PushedRecord<In>[]): Promise<void> {
    this.#throwIfEnded()
    for (const record of records) this.#append(record)
    this.#kafka.wake()
    await this.settled()
  }

  rows(table: string = tableId(this.#stream.table)): Row[] {
    const own = tableId(this.#stream.table)
    if (table !== own) throw new MillraceError('BAD_REQUEST', `Stream ${this.#stream.topology.name} writes ${own}, not ${table}.`)
    // The table's columns are what the stream's type says: the author's `to` was checked.
    return this.#table.rows() as Row[]
  }

  row(key: string | number | boolean | Partial<Row>): Row | null {
    return this.#table.row(key) as Row | null
  }

  deadLetters(): TestDeadLetter[] {
    const batch = this.#kafka.deadLetters()
    return batch === null ? [] : deadLettersOf(batch).map(asTestDeadLetter)
  }

  failSink(how: number | RefusesRow<Row>): void {
    this.#table.fail(typeof how === 'number' ? how : (row) => how(row as Row))
  }

  /** Waits until nothing moves before somebody pushes or moves the clock. @throws what stopped the stream */
  async settled(): Promise<void> {
    await this.#settle(false)
    this.#throwIfEnded()
  }

  /** @param isMoving the clock is on its way: calls that it is to end are not waited for long */
  async #settle(isMoving: boolean): Promise<void> {
    let turns = 0
    for (let quiet = 0; quiet < 3; quiet = this.#isQuiet() ? quiet + 1 : 0) {
      if (isMoving && turns > eagerTurns + graceMs && this.#pending === this.#pendingWithTimeout) return
      // A step that waits for something outside is not looked at all the time.
      await (turns++ < eagerTurns ? nextTurn() : pause(1))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    // Steps that never end are given up after the grace of a stop.
    while (this.#end === null) await this.#clock.advance(1_000, () => nextTurn())
    await this.#ended
  }

  #isQuiet(): boolean {
    return this.#end !== null || (this.#pending === 0 && (this.#kafka.isDone || this.#clock.hasSleepers))
  }

  #throwIfEnded(): void {
    if (this.#end === null) return
    throw this.#end.error ?? new MillraceError('CLOSED', 'The test of this stream is over.')
  }

  #run(): Promise<void> {
    const { topology, functions } = this.#stream
    const timeouts = new Map(topology.nodes.map((node) => [node.id, 'timeoutMs' in node ? node.timeoutMs : null]))
    const watched = [...functions].map(([id, fn]): [string, StepFunction] => [id, this.#watched(fn, timeouts.get(id) ?? null)])
    return runStream({
      project: 'test',
      stream: { ...this.#stream, topology: { ...topology, commitIntervalMs: 0 }, functions: new Map(watched) },
      kafka: this.#kafka.client(),
      sink: this.#table,
      onStatus: ({ state }) => (this.state = state),
      log: silentLogger,
      signal: this.#stopping.signal,
      clock: this.#clock,
    })
  }

  /** Counts the calls that are pending; one whose time is over is waited for no more. */
  #watched(fn: StepFunction, timeoutMs: number | null): StepFunction {
    return (value, ctx) => {
      const returned = fn(value, ctx)
      if (typeof returned !== 'object' || returned === null || !('then' in returned)) return returned
      const result = Promise.resolve(returned)
      const withTimeout = timeoutMs === null ? 0 : 1
      this.#pending++
      this.#pendingWithTimeout += withTimeout
      let isOver = false
      const over = (): void => {
        if (isOver) return
        isOver = true
        this.#pending--
        this.#pendingWithTimeout -= withTimeout
        cancel?.()
      }
      const cancel = timeoutMs === null ? null : this.#clock.after(timeoutMs, over)
      result.then(over, over)
      return result
    }
  }

  #append(record: PushedRecord<In>): void {
    const { topic } = this.#stream
    const { headers = [], timestampMs = this.#clock.nowMs() } = record
    const { key, value } = record.raw === undefined ? this.#written(record.value) : { key: 'raw', value: bytesOf(record.raw) }
    const given = record.key === undefined ? key : record.key
    const stored: StoredRecord = {
      key: given === null ? null : Buffer.from(given),
      value,
      timestampMs,
      headers: headersOf(headers),
    }
    const partition = record.partition ?? (stored.key === null ? 0 : partitionForKey(stored.key, topic.partitions))
    this.#kafka.append(partition, stored)
  }

  /** As a producer writes it: defaults filled in. A value that does not fit goes as it is, as another producer's would. */
  #written(value: unknown): { key: string | null; value: Uint8Array } {
    const parsed = this.#stream.parse(value)
    const fitting = parsed.ok ? parsed.value : value
    const encoded = jsonCodec.encode(fitting)
    if (!encoded.ok) throw encoded.error
    const fields: Record<string, unknown> = typeof fitting === 'object' && fitting !== null ? { ...fitting } : {}
    const key = recordKey(this.#stream.topic.key, fields)
    return { key: key.ok ? key.key : null, value: encoded.value }
  }
}

function bytesOf(raw: string | Uint8Array | null): Uint8Array | null {
  return typeof raw === 'string' ? Buffer.from(raw) : raw
}

function headersOf(headers: Readonly<Record<string, string>> | readonly Header[]): readonly Header[] {
  if (isHeaderList(headers)) return headers
  return Object.entries(headers).map(([key, text]) => ({ key, value: Buffer.from(text) }))
}

function isHeaderList(headers: Readonly<Record<string, string>> | readonly Header[]): headers is readonly Header[] {
  return Array.isArray(headers)
}

function asTestDeadLetter(letter: DeadLetter): TestDeadLetter {
  const { reason, message, stage, errorClass, topic, partition, offset, key, value, headers, timestampMs } = letter
  const original = { topic, partition, offset, key: key?.text ?? null, value, headers, timestampMs }
  return { reason, message, step: stage, errorClass, original }
}
