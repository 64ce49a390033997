import { decodeValue, type Request, type Response } from '../../cql-wire/index.ts'
import type { Clock } from '../../platform/index.ts'
import { newTimeuuid } from '../query/index.ts'
import type { Trace, TraceLog } from '../system/index.ts'

/** The name of a request as Cassandra's traces have it. */
const requestNames: Partial<Record<Request['opcode'], string>> = {
  QUERY: 'Execute CQL3 query',
  PREPARE: 'Preparing CQL3 query',
  EXECUTE: 'Execute CQL3 prepared query',
  BATCH: 'Execute batch of CQL3 queries',
}

/** A request whose client asked for a trace: what it did and how long it took stands in `system_traces` once it is answered. */
export class ActiveTrace {
  /** 16 bytes, sent beside the answer. */
  readonly id: Uint8Array
  readonly #log: TraceLog
  readonly #clock: Clock
  readonly #startMs: number
  readonly #trace: Omit<Trace, 'durationMicros'>

  constructor(log: TraceLog, clock: Clock, request: Request, client: string) {
    this.#log = log
    this.#clock = clock
    this.#startMs = clock.monotonicMs()
    this.id = newTimeuuid(clock.nowMs())
    const parameters = parametersOf(request)
    const name = requestNames[request.opcode] ?? request.opcode
    this.#trace = { id: textOf(this.id), client, request: name, parameters, startedAtMs: clock.nowMs(), events: [] }
    const [query] = parameters.filter(([name]) => name === 'query')
    this.note(query ? `Parsing ${query[1]}` : name)
  }

  note(activity: string): void {
    this.#trace.events.push({ id: textOf(newTimeuuid(this.#clock.nowMs())), activity, elapsedMicros: this.#elapsedMicros() })
  }

  /** The answer is about to be sent: from now on the trace can be read. */
  answered(response: Response | null): void {
    this.note(activityOf(response))
    this.#log.add({ ...this.#trace, durationMicros: this.#elapsedMicros() })
  }

  #elapsedMicros(): number {
    return Math.max(1, Math.round((this.#clock.monotonicMs() - this.#startMs) * 1000))
  }
}

function textOf(timeuuid: Uint8Array): string {
  const text = decodeValue({ is: 'timeuuid' }, timeuuid)
  return typeof text === 'string' ? text : ''
}

function activityOf(response: Response | null): string {
  if (response === null) return 'The mutation is in the commit log, and synced'
  if (response.opcode === 'ERROR') return `Refused: ${response.message}`
  if (response.opcode === 'RESULT' && response.kind === 'rows') return `Read ${response.encoded?.count ?? response.rows.length} rows`
  return 'Carried out'
}

function parametersOf(request: Request): [string, string][] {
  if (request.opcode === 'BATCH') return [['statements', String(request.statements.length)]]
  const query: [string, string][] = 'query' in request ? [['query', request.query]] : []
  if (!('parameters' in request)) return query
  const { pageSize, consistency } = request.parameters
  return [
    ['consistency_level', String(consistency)],
    ...(pageSize === null ? [] : [['page_size', String(pageSize)] satisfies [string, string]]),
    ...query,
  ]
}
