import type { Header } from './batch.ts'
import type { Json } from './json.ts'
import type { RunContext } from './task-messages.ts'
import type { SourceSpec } from './connector.ts'
import type { DagDef, SchemaDef, TableDef, TopicDef, Topology } from './definitions.ts'

/** A value against its schema: the typed value, or every problem with the path of its field (`location.city`, empty: the value itself). */
export type ParseResult = { ok: true; value: unknown } | { ok: false; problems: { path: string; message: string }[] }
export type Parse = (value: unknown) => ParseResult

/** All problems of a value in one line. */
export function describeProblems(problems: Extract<ParseResult, { ok: false }>['problems']): string {
  return problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
}

/** What a step function is told of the record it handles. */
export interface RecordContext {
  topic: string
  partition: number
  offset: bigint
  timestampMs: number
  key: Uint8Array | null
  headers(): Header[]
  /** Aborts when the step times out or the stream stops. */
  signal: AbortSignal
}

export type StepFunction = (value: unknown, ctx: RecordContext) => unknown

/** A stream as it is in the process that runs it: its data, and the functions that the data refers to. */
export interface LoadedStream {
  topology: Topology
  topic: TopicDef
  table: TableDef
  /** By node id. `map` returns the new value, `filter` and `validate` a boolean (`validate` may return or throw a reason), `each` nothing; any may be async. */
  functions: ReadonlyMap<string, StepFunction>
  /** The topic's schema. */
  parse: Parse
}

export type FlowStep = { is: 'map' | 'filter'; fn: (value: unknown) => unknown }

/** A function among a source's options; its source knows what it takes. */
export type SourceFunction = (...given: never[]) => unknown

/** What a task returns to have a source run into a topic: `randomUser(…).map(…).to(topic)`. */
export interface LoadedFlow {
  source: SourceSpec
  /** Functions that the source's options could not hold as data, by option name. */
  sourceFunctions: Readonly<Record<string, SourceFunction>>
  steps: readonly FlowStep[]
  topic: TopicDef
  /** The topic's schema, input side. */
  parse: Parse
}

/**
 * What a value made by the authoring functions is, found under `definition` by the process that loaded the file. Function
 * references in it have an empty module, export and digest: whoever loaded the bundle knows and fills them.
 */
export type LoadedDefinition =
  | { is: 'schema'; def: SchemaDef; parse: Parse }
  | { is: 'topic'; def: TopicDef; schema: SchemaDef }
  | { is: 'table'; def: TableDef; schema: SchemaDef }
  | { is: 'stream'; stream: LoadedStream; schemas: SchemaDef[] }
  | { is: 'dag'; def: DagDef; functions: ReadonlyMap<string, TaskFunction> }
  | { is: 'flow'; flow: LoadedFlow; schema: SchemaDef }

export type TaskFunction = (ctx: TaskContext, ...inputs: readonly unknown[]) => unknown

/** What a task function is given. */
export interface TaskContext extends RunContext {
  /** Aborts on time-out, cancel and shutdown; its reason says which. */
  signal: AbortSignal
  /** A line in the attempt's log. */
  log(line: string): void
  progress(done: number, total?: number): void
  /** Keeps a small JSON value with the task instance. */
  xcom(key: string, value: Json): void
}

/** Registered symbol, so that a project's own copy of the package and the command's understand each other. */
export const definition: unique symbol = Symbol.for('millrace.definition')

export interface Defined<D extends LoadedDefinition = LoadedDefinition> {
  readonly [definition]: D
}

export function definitionOf(value: unknown): LoadedDefinition | null {
  return isDefined(value) ? value[definition] : null
}

function isDefined(value: unknown): value is Defined {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && definition in value
}

const registry: unique symbol = Symbol.for('millrace.defined')

/** All streams and DAGs made in this process so far, exported or not: a loader can then say which export is missing. */
export function definedSoFar(): LoadedDefinition[] {
  const holder = globalThis as typeof globalThis & { [registry]?: LoadedDefinition[] }
  return (holder[registry] ??= [])
}
