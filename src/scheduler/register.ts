import type { DagDef, Project } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { resolveDefinition, type Definition } from './definitions.ts'
import { scheduleStart } from './timetable.ts'
import type { Turn } from './turn.ts'

export interface Registered {
  added: string[]
  changed: string[]
  removed: string[]
}

/** Checks every definition before anything is written. @throws DEFINITION_INVALID */
export function resolveProject(project: Project): Definition[] {
  const definitions = project.dags.map(resolveDefinition)
  const ids = definitions.map(({ dag }) => dag.id)
  const twice = ids.find((id, i) => ids.indexOf(id) !== i)
  if (twice !== undefined) throw new MillraceError('DEFINITION_INVALID', `Two dags are called ${twice}; give one another id.`)
  return definitions
}

/** Takes the project's definitions into the store; dags that it no longer has keep their runs and get no new ones. */
export async function registerProject(turn: Turn, project: Project, definitions: readonly Definition[]): Promise<Registered> {
  const registered: Registered = { added: [], changed: [], removed: [] }
  // In one order for all: two schedulers that register at once do not wait for each other.
  if (turn.shared) await turn.trx.selectFrom('dag').select('id').orderBy('id').forUpdate().execute()
  for (const definition of definitions) {
    const outcome = await registerDag(turn, project.name, definition)
    if (outcome !== 'same') registered[outcome].push(definition.dag.id)
  }
  const ids = new Set(definitions.map(({ dag }) => dag.id))
  for (const { id } of await turn.trx.selectFrom('dag').select('id').where('present', '=', 1).execute()) {
    if (ids.has(id)) continue
    await turn.trx.updateTable('dag').set({ present: 0 }).where('id', '=', id).execute()
    registered.removed.push(id)
  }
  return registered
}

async function registerDag(turn: Turn, project: string, definition: Definition): Promise<'added' | 'changed' | 'same'> {
  const { dag, shape } = definition
  const known = await turn.trx.selectFrom('dag').selectAll().where('id', '=', dag.id).executeTakeFirst()
  const schedule = scheduleOf(definition, known, turn.nowMs)
  if (!known) {
    const row = { id: dag.id, project, version: 1, present: 1, paused: 0, ...schedule }
    await turn.trx.insertInto('dag').values(row).execute()
    await insertVersion(turn, dag, 1, shape)
    return 'added'
  }
  const current = await turn.trx
    .selectFrom('dag_version')
    .select('shape')
    .where('dag_id', '=', dag.id)
    .where('version', '=', known.version)
    .executeTakeFirst()
  const isSame = current?.shape === shape
  const version = isSame ? known.version : known.version + 1
  await turn.trx
    .updateTable('dag')
    .set({ project, version, present: 1, ...schedule })
    .where('id', '=', dag.id)
    .execute()
  if (isSame) await refreshVersion(turn, dag, version)
  else await insertVersion(turn, dag, version, shape)
  if (known.present === 0) return 'added'
  return isSame ? 'same' : 'changed'
}

/** A schedule goes on where it was; a new one begins now or at its start date. */
function scheduleOf(
  definition: Definition,
  known: { schedule_start: number | null; schedule_cursor: number | null } | undefined,
  nowMs: number,
) {
  const { timetable, startDateMs } = definition
  if (timetable.is === 'manual') return { schedule_start: null, schedule_cursor: null }
  const hadSchedule = known !== undefined && known.schedule_start !== null
  const start = startDateMs === null && hadSchedule ? known.schedule_start : scheduleStart(timetable, startDateMs, nowMs)
  const cursor = start === null ? null : Math.max(known?.schedule_cursor ?? start, start)
  return { schedule_start: start, schedule_cursor: cursor }
}

async function insertVersion(turn: Turn, dag: DagDef, version: number, shape: string): Promise<void> {
  await turn.trx
    .insertInto('dag_version')
    .values({ dag_id: dag.id, version, shape, definition: JSON.stringify(dag), created_at: turn.nowMs })
    .execute()
}

/** The same version from a bundle built again: retries must find the functions where they are today. */
async function refreshVersion(turn: Turn, dag: DagDef, version: number): Promise<void> {
  await turn.trx
    .updateTable('dag_version')
    .set({ definition: JSON.stringify(dag) })
    .where('dag_id', '=', dag.id)
    .where('version', '=', version)
    .execute()
}
