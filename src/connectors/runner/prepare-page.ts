import { names, type Header, type LoadedFlow } from '../../core/index.ts'
import type { ValueCodec } from '../../formats/index.ts'
import { messageOf, MillraceError } from '../../platform/index.ts'
import type { PolledPage } from '../polled-source.ts'
import type { OutgoingRecord } from './kafka-port.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'
import { encodeRecord } from '../values/encode-record.ts'

/** A page ready to be produced. */
export interface PreparedPage {
  records: OutgoingRecord[]
  filtered: number
  /** Left out because the source refused them. */
  refused: number
}

/**
 * Steps, schema and key for each record of a page. One record that fails any of them throws, so that nothing of the page is
 * produced: an error of the author's mapping is told loudly, naming source, page and field, and never an empty record in the topic.
 * A source that can refuse it does so instead.
 * @param traceparent of the page's span, for the header of each record; null: nothing is traced
 */
export async function preparePage(
  flow: LoadedFlow,
  page: PolledPage,
  run: { runId: string; attempt: number },
  values: ValueCodec,
  signal: AbortSignal,
  traceparent: string | null = null,
): Promise<PreparedPage> {
  const headers = [...runHeaders(run, page.label), ...traceHeaders(traceparent)]
  const prepared: (OutgoingRecord | typeof dropped)[] = []
  const refused = new Set<number>()
  for (const [index, record] of page.records.entries()) {
    stopIfAborted(signal)
    const where = { flow, page: page.label, index }
    try {
      const stepped = await applySteps(where, record)
      prepared[index] = stepped === dropped ? dropped : outgoing(where, stepped, values, headers)
    } catch (error) {
      if (!page.refuse || !(error instanceof MillraceError)) throw error
      for (const one of page.refuse(index, error)) refused.add(one)
    }
  }
  const left = prepared.filter((_, index) => !refused.has(index))
  const records = left.filter((record) => record !== dropped)
  return { records, filtered: left.length - records.length, refused: refused.size }
}

interface Where {
  flow: LoadedFlow
  page: string
  index: number
}

const dropped: unique symbol = Symbol('dropped')

async function applySteps(where: Where, record: unknown): Promise<unknown> {
  let value = record
  for (const [at, step] of where.flow.steps.entries()) {
    try {
      const result = step.fn(value)
      const done: unknown = result instanceof Promise ? await result : result
      if (step.is === 'map') value = done
      else if (!done) return dropped
    } catch (error) {
      throw recordError('RECORD_STEP', where, `step ${at + 1} (${step.is}) threw: ${messageOf(error)}`, null, error)
    }
  }
  return value
}

function outgoing(where: Where, value: unknown, values: ValueCodec, headers: Header[]): OutgoingRecord {
  const { topic, parse } = where.flow
  const encoded = encodeRecord(topic, parse, values, value)
  if (!encoded.ok) {
    const [first] = encoded.problems
    const all = encoded.problems.slice(0, 5).map(({ path, message }) => `${path === '' ? 'the value' : path}: ${message}`)
    throw recordError('RECORD_INVALID', where, `does not fit ${topic.schema}: ${all.join('; ')}`, first?.path ?? '')
  }
  return { topic: topic.name, key: encoded.key, value: encoded.value, headers }
}

function recordError(
  code: 'RECORD_STEP' | 'RECORD_INVALID',
  { flow, page, index }: Where,
  problem: string,
  field: string | null,
  cause?: unknown,
): MillraceError {
  const message = `Source ${flow.source.name}, page ${page}, record ${index}: ${problem}. Nothing of this page was produced; mend the flow's steps.`
  return new MillraceError(code, message, {
    cause,
    details: { source: flow.source.name, page, record: index, ...(field === null ? {} : { field }) },
  })
}

/** W3C Trace Context, as OpenTelemetry's instrumentations of Kafka clients send it. */
function traceHeaders(traceparent: string | null): Header[] {
  return traceparent === null ? [] : [{ key: names.traceparentHeader, value: Buffer.from(traceparent) }]
}

function runHeaders({ runId, attempt }: { runId: string; attempt: number }, page: string): Header[] {
  return [
    { key: names.runHeader, value: Buffer.from(runId) },
    { key: names.attemptHeader, value: Buffer.from(String(attempt)) },
    { key: names.pageHeader, value: Buffer.from(page) },
  ]
}
