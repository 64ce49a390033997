import { virtualTable, type VirtualTable } from './define.ts'

/** A request that its client had traced. */
export interface Trace {
  /** A timeuuid, as the events' ids. */
  readonly id: string
  /** An IP address. */
  readonly client: string
  readonly request: string
  readonly parameters: [string, string][]
  readonly startedAtMs: number
  readonly durationMicros: number
  readonly events: { id: string; activity: string; elapsedMicros: number }[]
}

/** Cassandra keeps traces for a day; here the last ones stay while the store runs. */
const maxTraces = 1_000

export class TraceLog {
  readonly #traces: Trace[] = []

  get traces(): readonly Trace[] {
    return this.#traces
  }

  add(trace: Trace): void {
    this.#traces.push(trace)
    if (this.#traces.length > maxTraces) this.#traces.shift()
  }
}

/** `system_traces`, of a coordinator at this address. */
export function traceTables(log: TraceLog, address: string): VirtualTable[] {
  return [
    virtualTable(
      'system_traces',
      'sessions',
      'session_id uuid, client inet, command text, coordinator inet, coordinator_port int, duration int, parameters map<text, text>, request text, started_at timestamp',
      1,
      0,
      () =>
        log.traces.map(({ id, client, request, parameters, startedAtMs, durationMicros }) => ({
          session_id: id,
          client,
          command: 'QUERY',
          coordinator: address,
          coordinator_port: 7000,
          duration: durationMicros,
          parameters: parameters.toSorted(([a], [b]) => (a < b ? -1 : 1)),
          request,
          started_at: BigInt(Math.trunc(startedAtMs)),
        })),
    ),
    virtualTable(
      'system_traces',
      'events',
      'session_id uuid, event_id timeuuid, activity text, source inet, source_elapsed int, source_port int, thread text',
      1,
      1,
      () =>
        log.traces.flatMap(({ id: session, events }) =>
          events.map(({ id, activity, elapsedMicros }) => ({
            session_id: session,
            event_id: id,
            activity,
            source: address,
            source_elapsed: elapsedMicros,
            source_port: 7000,
            thread: 'cql-store',
          })),
        ),
    ),
  ]
}
