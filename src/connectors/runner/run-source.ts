import { names, type Json, type LoadedFlow } from '../../core/index.ts'
import { jsonCodec, type ValueCodec } from '../../formats/index.ts'
import { abortReason, asMillraceError, MillraceError, systemClock } from '../../platform/index.ts'
import { noTracer, type Tracer } from '../../telemetry/index.ts'
import type { ConnectKafka } from '../kafka-records/open.ts'
import type { PolledPage } from '../polled-source.ts'
import type { SourceKafka } from './kafka-port.ts'
import { openSource, type SourceEndpoints, type SourceWorld } from './open-source.ts'
import { PageWriter } from './page-writer.ts'
import { preparePage } from './prepare-page.ts'

export interface RunSource {
  flow: LoadedFlow
  project: string
  endpoints: SourceEndpoints
  run: { dagId: string; runId: string; attempt: number }
  kafka: SourceKafka
  /** For sources that read a Kafka, this one or another. */
  connectKafka: ConnectKafka
  /** How the topic's values are written, or will be once it is known: the first page is fetched meanwhile. JSON when left out. */
  values?: ValueCodec | Promise<ValueCodec>
  signal: AbortSignal
  /** A line of the task's log. */
  log: (line: string) => void
  /** Records fetched so far, and how many are expected, when that can be told. */
  progress: (done: number, total: number | null) => void
  /** Traces each page from its request to its commit, as a part of `traceparent`; nothing is traced when left out. */
  tracer?: Tracer
  traceparent?: string
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
 * Runs a source into its topic from where the last run stopped. Each page — steps, schema, key — is committed in one transaction with
 * the cursor behind it (P4): a crash anywhere repeats nothing and loses nothing, and a second run of the same source fences the first.
 * Throws RECORD_STEP or RECORD_INVALID for a record that fails, SOURCE_FAILED when the source does, PRODUCER_FENCED (naming the other
 * run) when it was taken over, Kafka's own errors, and the signal's reason as soon as it aborts.
 */
export async function runSource(options: RunSource): Promise<SourceRun> {
  const { flow, project, endpoints, run, kafka, connectKafka, values = jsonCodec, signal, log, progress, world = ownWorld() } = options
  const tracePage = pageTracing(options)
  const { name } = flow.source
  const until = <T>(work: Promise<T>): Promise<T> => untilAborted(work, signal)
  const source = await until(openSource(flow, endpoints, world, { connectKafka, log }))
  await until(ensureCursorTopic(kafka, project, log))
  const writer = await until(PageWriter.open({ kafka, project, source: name, run, clock: world.clock, signal, log }))
  const { cursor } = writer
  log(`${name} reads ${source.says}; ${cursor === null ? 'no cursor yet: from the beginning' : `goes on at ${shown(cursor)}`}`)
  const totals: SourceRun = { pages: 0, fetched: 0, produced: 0, filtered: 0 }
  const report = new Report(world, log)
  try {
    for await (const page of source.read(cursor, signal)) {
      const prepared = await tracePage(page, async (traceparent) => {
        const made = await preparePage(flow, page, run, await until(Promise.resolve(values)), signal, traceparent)
        await until(writer.write(made.records, page.cursor, page.records.length - made.refused))
        return made
      })
      const fetched = page.records.length - prepared.refused
      totals.pages++
      totals.fetched += fetched
      totals.produced += prepared.records.length
      totals.filtered += prepared.filtered
      progress(totals.fetched, source.expectedRecords)
      report.page(page, prepared.records.length, totals)
    }
  } finally {
    // Not waited for when the run was stopped: what is open is aborted, by the next run at the latest.
    const closed = writer.close().catch(() => {})
    if (!signal.aborted) await until(closed).catch(() => {})
  }
  log(`${name} done: ${describe(totals)} in ${flow.topic.name}`)
  return totals
}

/** What is done with a page, as a span that its records name in their `traceparent` header. */
function pageTracing({ flow, tracer = noTracer, traceparent }: RunSource) {
  return async <T extends { records: readonly unknown[] }>(
    page: PolledPage,
    work: (traceparent: string | null) => Promise<T>,
  ): Promise<T> => {
    const span = tracer.startSpan(`page ${flow.source.name}`, {
      kind: 'producer',
      parent: traceparent ?? null,
      ...(page.startedMs === undefined ? {} : { startMs: page.startedMs }),
      attributes: {
        'millrace.source': flow.source.name,
        'millrace.page': page.label,
        'millrace.records.fetched': page.records.length,
        'messaging.system': 'kafka',
        'messaging.operation.type': 'send',
        'messaging.destination.name': flow.topic.name,
      },
    })
    try {
      const done = await work(span.traceparent)
      span.setAttributes({ 'messaging.batch.message_count': done.records.length })
      return done
    } catch (error) {
      span.fail(asMillraceError(error).code)
      throw error
    } finally {
      span.end()
    }
  }
}

/** Some hold a hundred places. */
function shown(cursor: Json): string {
  const text = JSON.stringify(cursor)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
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
