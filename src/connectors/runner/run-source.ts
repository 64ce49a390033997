import { names, type Endpoints, type Json, type LoadedFlow } from '../../core/index.ts'
import { abortReason, MillraceError, systemClock } from '../../platform/index.ts'
import type { PolledPage } from '../polled-source.ts'
import { cursorRecord, readCursor } from './cursor-store.ts'
import type { OutgoingRecord, SourceKafka } from './kafka-port.ts'
import { openSource, type SourceWorld } from './open-source.ts'
import { preparePage } from './prepare-page.ts'

export interface RunSource {
  flow: LoadedFlow
  project: string
  endpoints: Pick<Endpoints, 'randomUser'>
  run: { runId: string; attempt: number }
  kafka: SourceKafka
  signal: AbortSignal
  /** A line of the task's log. */
  log: (line: string) => void
  /** Records fetched so far, and how many are expected, when that can be told. */
  progress: (done: number, total: number | null) => void
  /** Clock, chance, HTTP and environment; this process's own when left out. */
  world?: SourceWorld
}

export interface SourceRun {
  pages: number
  fetched: number
  produced: number
  filtered: number
}

/**
 * Runs a source into its topic from where the last run stopped. Each page: steps, schema and key, produced and acknowledged
 * by all in-sync replicas, and only then its cursor: a crash between the two repeats the page with the same users under the
 * same keys (P4, until transactions come). Throws RECORD_STEP or RECORD_INVALID for a record that fails, SOURCE_FAILED when the source does,
 * Kafka's own errors, and the signal's reason as soon as it aborts.
 */
export async function runSource(options: RunSource): Promise<SourceRun> {
  const { flow, project, endpoints, run, kafka, signal, log, progress, world = ownWorld() } = options
  const source = openSource(flow, endpoints, world, log)
  const until = <T>(work: Promise<T>): Promise<T> => untilAborted(work, signal)
  await until(ensureCursorTopic(kafka, project, log))
  const position = await until(readCursor(kafka, project, flow.source.name, signal))
  const cursor = position?.cursor ?? null
  const fetchedBefore = position?.fetched ?? 0
  log(
    `${flow.source.name} reads ${source.says}; ${cursor === null ? 'no cursor yet: from the beginning' : `goes on at ${JSON.stringify(cursor)}`}`,
  )

  const producer = kafka.producer({ acks: 'all' })
  const totals: SourceRun = { pages: 0, fetched: 0, produced: 0, filtered: 0 }
  const report = new Report(world, log)
  const send = async (records: OutgoingRecord[]): Promise<void> => {
    if (records.length > 0) await until(producer.send(records))
  }
  const store = async (next: Json): Promise<void> => {
    const at = new Date(world.clock.nowMs()).toISOString()
    const fetched = fetchedBefore + totals.fetched
    await send([cursorRecord(project, flow.source.name, { v: 1, cursor: next, run: run.runId, attempt: run.attempt, fetched, at })])
  }
  try {
    for await (const page of source.read(cursor, signal)) {
      totals.fetched += page.records.length
      const prepared = await preparePage(flow, page, run, signal)
      await send(prepared.records)
      await store(page.cursor)
      totals.pages++
      totals.produced += prepared.records.length
      totals.filtered += prepared.filtered
      progress(totals.fetched, source.expectedRecords)
      report.page(page, prepared.records.length, totals)
    }
  } finally {
    // Not waited for when the run was stopped: everything that counts was acknowledged above.
    const closed = producer.close().catch(() => {})
    if (!signal.aborted) await until(closed).catch(() => {})
  }
  log(`${flow.source.name} done: ${describe(totals)} in ${flow.topic.name}`)
  return totals
}

/** The last cursor of each source is kept for ever. */
export const cursorTopicConfigs: Readonly<Record<string, string>> = { 'cleanup.policy': 'compact' }

/** Where a principal may not create topics, the topic that someone made for it is used: without one the read that follows fails. */
async function ensureCursorTopic(kafka: SourceKafka, project: string, log: (line: string) => void): Promise<void> {
  const name = names.cursors(project)
  try {
    await kafka.admin.createTopics([{ name, partitions: 1, configs: { ...cursorTopicConfigs } }])
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'KAFKA') throw error
    log(`${name} could not be created (${error.message}); it must be there already`)
  }
}

/** At most about one line a second, however fast pages come. */
class Report {
  readonly #world: SourceWorld
  readonly #log: (line: string) => void
  #nextMs = Number.NEGATIVE_INFINITY

  constructor(world: SourceWorld, log: (line: string) => void) {
    this.#world = world
    this.#log = log
  }

  page(page: PolledPage, produced: number, totals: SourceRun): void {
    const nowMs = this.#world.clock.monotonicMs()
    if (nowMs < this.#nextMs) return
    this.#nextMs = nowMs + 900
    this.#log(`page ${page.label}: ${page.records.length} fetched, ${produced} produced; so far ${describe(totals)}`)
  }
}

function describe({ pages, fetched, produced, filtered }: SourceRun): string {
  return `${pages} pages, ${fetched} fetched, ${produced} produced${filtered > 0 ? `, ${filtered} filtered` : ''}`
}

/** The result of `work`, or the signal's reason as soon as it aborts; work that was left behind may fail unheard. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {})
    throw abortReason(signal)
  }
  const aborted = Promise.withResolvers<never>()
  const stop = (): void => aborted.reject(abortReason(signal))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', stop)
    work.catch(() => {})
  }
}

function ownWorld(): SourceWorld {
  return { clock: systemClock, random: Math.random, fetch: globalThis.fetch, env: process.env }
}
