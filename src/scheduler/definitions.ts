import type { DagDef, TaskDef } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { StoreTransaction } from './store/open-store.ts'
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
}

/** Parsed versions by dag and version; forgotten when `register` rewrites them. */
export class DefinitionCache {
  readonly #byVersion = new Map<string, Definition>()

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

  clear(): void {
    this.#byVersion.clear()
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
  }
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
