import {
  definedSoFar,
  definition,
  durationMs,
  type Defined,
  type Duration,
  type LoadedDefinition,
  type LoadedStream,
  type RecordContext,
  type StepFunction,
  type StreamNode,
  type Topology,
} from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { callSite } from './call-site.ts'
import type { CassandraTable } from './cassandra-table.ts'
import type { Topic } from './topic.ts'

export interface StreamOptions {
  /** How often offsets are committed at most. Default 100ms. */
  commitInterval?: Duration
  /** When too many records fail, the stream stops. Default: more than half of the last 1,000, and at least 100. */
  deadLetterLimit?: { window?: number; ratio?: number; atLeast?: number }
}

export interface StepOptions {
  /** Stable name in logs, metrics and dead letters. Default `map-1`, `filter-2`, … by position. */
  name?: string
  /** Tries after a RetryableError (any error with `retriable: true`). Default 0. */
  retries?: number
  /** First delay between tries, doubled up to 30 s. Default 200ms. */
  backoff?: Duration
  /** Time a call may take. Default: no limit. */
  timeout?: Duration
}

export interface SinkOptions {
  /** Create keyspace and table when they are not there. Default false. */
  autoCreate?: boolean
  /** `'add-columns'`: add columns the row has and the table lacks. Default off: a difference stops the start. */
  autoEvolve?: 'off' | 'add-columns'
}

/** A stream that ends in a table: export it, and `millrace start` runs it. Phantom types: what its topic accepts, and its table's rows. */
export interface FinishedStream<In = never, Row = unknown> extends Defined<Extract<LoadedDefinition, { is: 'stream' }>> {
  readonly name: string
  readonly accepts?: (value: In) => void
  readonly gives?: () => Row
}

/** Values of type T on their way; `In` is what the topic accepts. */
export interface Stream<T, In = never> {
  map<U>(fn: (value: T, ctx: RecordContext) => U, options?: StepOptions): Stream<Awaited<U>, In>
  filter(fn: (value: T, ctx: RecordContext) => boolean | Promise<boolean>, options?: StepOptions): Stream<T, In>
  /** For its effect alone; the value goes on unchanged. */
  each(fn: (value: T, ctx: RecordContext) => void | Promise<void>, options?: StepOptions): Stream<T, In>
  /** false, or a thrown error, makes the record a dead letter with that reason. */
  validate(fn: (value: T, ctx: RecordContext) => boolean | Promise<boolean>, options?: StepOptions): Stream<T, In>
  /** @param table one whose rows the stream's values are; a missing or wrong column is a compile error */
  to(table: CassandraTable<T>, options?: SinkOptions): FinishedStream<In, T>
}

export interface StreamStart {
  from<In, Out>(topic: Topic<In, Out>, options?: { startingOffsets?: 'earliest' | 'latest' }): Stream<Out, In>
}

type FunctionNode = Exclude<StreamNode, { is: 'source' | 'sink' }>

/** @throws MillraceError DEFINITION_INVALID for a name that cannot be part of a consumer group's */
export function stream(name: string, options: StreamOptions = {}): StreamStart {
  if (!/^[\w-]{1,100}$/.test(name))
    throw new MillraceError('DEFINITION_INVALID', `stream "${name}": use 1 to 100 letters, digits, "_" or "-".`)
  const at = callSite()
  return {
    from: (topic, { startingOffsets = 'earliest' } = {}) => {
      const source: StreamNode = { id: 'source', is: 'source', topic: topic.name, startingOffsets }
      return steps({ name, options, at, topic, nodes: [source], functions: new Map() })
    },
  }
}

interface Building {
  name: string
  options: StreamOptions
  at: string | null
  topic: Topic<never, unknown>
  nodes: readonly StreamNode[]
  functions: ReadonlyMap<string, StepFunction>
}

function steps<T, In>(building: Building): Stream<T, In> {
  const then = <U>(is: FunctionNode['is'], fn: (value: never, ctx: RecordContext) => unknown, options: StepOptions = {}): Stream<U, In> => {
    const id = options.name ?? `${is}-${building.nodes.length}`
    const what = `stream ${building.name}, step ${id}`
    if (building.nodes.some((node) => node.id === id)) throw new MillraceError('DEFINITION_INVALID', `${what}: the name is used twice.`)
    const node: FunctionNode = {
      id,
      is,
      fn: { module: '', export: '', node: id, digest: '' },
      retry: { retries: options.retries ?? 0, delayMs: durationMs(options.backoff ?? '200ms', `${what}: backoff`), maxDelayMs: 30_000 },
      timeoutMs: options.timeout === undefined ? null : durationMs(options.timeout, `${what}: timeout`),
    }
    const functions = new Map(building.functions).set(id, fn as StepFunction)
    return steps<U, In>({ ...building, nodes: [...building.nodes, node], functions })
  }
  return {
    map: (fn, options) => then('map', fn, options),
    filter: (fn, options) => then('filter', fn, options),
    each: (fn, options) => then('each', fn, options),
    validate: (fn, options) => then('validate', fn, options),
    to: (table, options) => finish(building, table, options),
  }
}

function finish<T, In>(
  building: Building,
  table: CassandraTable<T>,
  { autoCreate = false, autoEvolve = 'off' }: SinkOptions = {},
): FinishedStream<In, T> {
  const { name, options, at, topic, functions } = building
  const nodes: StreamNode[] = [
    ...building.nodes,
    { id: 'sink', is: 'sink', table: `${table.keyspace}.${table.name}`, autoCreate, autoEvolve },
  ]
  const topology: Topology = {
    name,
    nodes,
    edges: nodes.slice(1).map((node, i): [string, string] => [nodes[i]?.id ?? '', node.id]),
    deadLetterLimit: { window: 1_000, ratio: 0.5, atLeast: 100, ...options.deadLetterLimit },
    commitIntervalMs: durationMs(options.commitInterval ?? '100ms', `stream ${name}: commitInterval`),
    at,
  }
  const loaded: LoadedStream = {
    topology,
    topic: topic[definition].def,
    table: table[definition].def,
    functions,
    parse: topic.value[definition].parse,
  }
  const made: Extract<LoadedDefinition, { is: 'stream' }> = {
    is: 'stream',
    stream: loaded,
    schemas: [topic[definition].schema, table[definition].schema],
  }
  definedSoFar().push(made)
  return { name, [definition]: made }
}
