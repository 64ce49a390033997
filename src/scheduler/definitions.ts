import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { DagDef, FunctionRef, TaskDef } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { StoreTransaction } from './store/metadata-store.ts'
import { parseDate, parseTimetable, type Timetable } from './timetable.ts'

/** A version of a dag, ready for use. */
export interface Definition {
  dag: DagDef
  timetable: Timetable
  startDateMs: number | null
  endDateMs: number | null
  tasks: ReadonlyMap<string, TaskDef>
  /** Direct upstream ids by task: order edges and data edges. */
  upstream: ReadonlyMap<string, readonly string[]>
  /** Tasks nothing comes after: their states make the run's. */
  leaves: ReadonlySet<string>
  /** Equal for two definitions that are one version. */
  shape: string
}

/** Parsed versions by dag and version; forgotten when `register` rewrites them. */
export class DefinitionCache {
  readonly #byVersion = new Map<string, Definition>()
  /** What this process has registered, by DAG: its bundles lie on this machine. */
  #registered: ReadonlyMap<string, Definition> = new Map()
  /** Tasks whose code is not on this machine; left to other schedulers. */
  readonly foreign = new Map<string, { dagId: string; version: number; taskId: string }>()

  async get(trx: StoreTransaction, dagId: string, version: number): Promise<Definition> {
    const key = `${dagId} ${version}`
    const known = this.#byVersion.get(key)
    if (known) return known
    const row = await trx
      .selectFrom('dag_version')
      .select('definition')
      .where('dag_id', '=', dagId)
      .where('version', '=', version)
      .executeTakeFirst()
    if (!row) throw new MillraceError('DATA_CORRUPT', `The metadata store has no version ${version} of dag ${dagId}.`)
    const definition = resolveDefinition(JSON.parse(row.definition))
    this.#byVersion.set(key, definition)
    return definition
  }

  /** Forgets what the store had; `definitions` are in it now. */
  registered(definitions: readonly Definition[]): void {
    this.#byVersion.clear()
    this.foreign.clear()
    this.#registered = new Map(definitions.map((definition) => [definition.dag.id, definition]))
  }

  /**
   * Where the code of a task lies on this machine. On a shared store the definition may have been registered elsewhere: the same version
   * is run from this machine's bundle; an older one from its bundle if that is still here, else from the code of today.
   * @returns null when this machine has no code for it
   */
  async functionOf(
    turn: { trx: StoreTransaction; shared: boolean },
    row: { dag_id: string; version: number },
    task: TaskDef,
  ): Promise<FunctionRef | null> {
    if (!turn.shared) return task.fn
    const definition = await this.get(turn.trx, row.dag_id, row.version)
    const here = this.#registered.get(row.dag_id)
    const fnHere = here?.tasks.get(task.id)?.fn ?? null
    if (here?.shape === definition.shape) return fnHere
    const fn = existsSync(task.fn.module) ? task.fn : fnHere
    if (!fn) {
      const key = { dagId: row.dag_id, version: row.version, taskId: task.id }
      this.foreign.set(JSON.stringify(key), key)
    }
    return fn
  }
}

/** Ids are folder names of logs and parts of URLs: Airflow's key pattern, and no `.` or `..`. */
const idPattern = /^(?!\.{1,2}$)[A-Za-z0-9_.~-]{1,200}$/
/** Airflow's `allowed_run_id_pattern`. */
export const runIdPattern = /^(?!\.{1,2}$)[A-Za-z0-9_.~:+-]{1,200}$/

/** @throws DEFINITION_INVALID for what would keep a run from being worked on: unknown or circular edges, a wrong schedule, date or id */
export function resolveDefinition(dag: DagDef): Definition {
  const what = `dag ${dag.id}${dag.at ? ` (${dag.at})` : ''}`
  const invalid = (message: string): MillraceError => new MillraceError('DEFINITION_INVALID', `${what}: ${message}`)
  for (const id of [dag.id, ...dag.tasks.map((task) => task.id)]) {
    if (!idPattern.test(id)) throw invalid(`"${id}" is no id; use letters, digits, _ . ~ -, at most 200.`)
  }
  if (!Number.isInteger(dag.maxActiveRuns) || dag.maxActiveRuns < 1)
    throw invalid(`maxActiveRuns is ${dag.maxActiveRuns}; at least 1 is needed.`)
  const tasks = new Map(dag.tasks.map((task) => [task.id, task]))
  if (tasks.size < dag.tasks.length) throw invalid('two tasks have the same id.')
  const upstream = new Map(dag.tasks.map((task) => [task.id, [...new Set([...task.upstream, ...task.inputs])]]))
  for (const [id, before] of upstream) {
    const unknown = before.find((other) => !tasks.has(other))
    if (unknown !== undefined) throw invalid(`task ${id} comes after ${unknown}, which is no task of it.`)
  }
  const circle = findCircle(upstream)
  if (circle) throw invalid(`its tasks go in a circle: ${circle.join(' → ')}.`)
  const notLeaves = new Set([...upstream.values()].flat())
  return {
    dag,
    timetable: parseTimetable(dag.schedule, dag.timezone, what),
    startDateMs: parseDate(dag.startDate, dag.timezone, `${what}: startDate`),
    endDateMs: parseDate(dag.endDate, dag.timezone, `${what}: endDate`),
    tasks,
    upstream,
    leaves: new Set(dag.tasks.map((task) => task.id).filter((id) => !notLeaves.has(id))),
    shape: shapeOf(dag),
  }
}

/**
 * SHA-256 of a definition without the bundle's module and digest and the source position: another edit in the same file, or a
 * new release of Millrace, changes those for every dag and would make a version a build.
 */
function shapeOf(dag: DagDef): string {
  const { at: _at, ...rest } = dag
  const tasks = dag.tasks.map((task) => ({ ...task, fn: { export: task.fn.export, node: task.fn.node } }))
  return createHash('sha256')
    .update(JSON.stringify({ ...rest, tasks }, sortedKeys))
    .digest('hex')
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function findCircle(upstream: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>()
  for (const start of upstream.keys()) {
    const path: string[] = []
    const stack: { id: string; rest: string[] }[] = [{ id: start, rest: [...(upstream.get(start) ?? [])] }]
    while (stack.length > 0) {
      const top = stack.at(-1)
      if (!top) break
      if (path.length < stack.length) path.push(top.id)
      const next = top.rest.pop()
      if (next === undefined) {
        done.add(top.id)
        stack.pop()
        path.pop()
      } else if (path.includes(next)) {
        return [...path.slice(path.indexOf(next)), next].toReversed()
      } else if (!done.has(next)) {
        stack.push({ id: next, rest: [...(upstream.get(next) ?? [])] })
      }
    }
  }
  return null
}
