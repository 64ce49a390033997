import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import type { PlanView, Project, StreamStatus } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'

/** What a reload changed, e.g. `schema v2 BACKWARD ok · created_users + country text`; of the first load, what is made. */
export function changesOf(plan: PlanView): string[] {
  const schemas = plan.schemas.filter(({ change }) => change === 'change' || change === 'create')
  const several = schemas.length > 1
  return [
    ...plan.topics.filter(({ change, formatBy }) => change === 'create' && formatBy !== null).map(({ topic }) => `topic ${topic}`),
    ...schemas.map(({ subject, version, compatibility }) => `schema ${several ? `${subject} ` : ''}v${version} ${compatibility}`),
    ...plan.tables.flatMap(({ table, change, statements }) => {
      if (change === 'create') return [`table ${table}`]
      if (change !== 'change') return []
      const added = statements.map((statement) => / ADD (.+)$/.exec(statement)?.[1] ?? statement)
      return [`${table.split('.').at(-1)} + ${added.join(', ')}`]
    }),
    ...plan.streams.filter(({ change }) => change === 'remove').map(({ stream }) => `${stream} ends`),
  ]
}

export function dagsChanged({ added, changed, removed }: { added: string[]; changed: string[]; removed: string[] }): string[] {
  const told = (dags: readonly string[], how: string): string[] => (dags.length === 0 ? [] : [`${dags.join(', ')} ${how}`])
  return [...told(added, 'new'), ...told(changed, 'changed'), ...told(removed, 'gone')]
}

/** `load_users goes on at offset 120`; of several partitions, the sum of theirs. */
export function goesOn(now: StreamStatus, before: StreamStatus | undefined): string {
  const { stream, state } = now
  if (state.is === 'stopped') return `${stream} stopped: ${state.error?.message ?? 'without an error'}`
  if (state.is === 'retrying') return `${stream} waits: ${state.error.message}`
  const offsets = { ...before?.committed, ...now.committed }
  const partitions = Object.keys(offsets).length
  if (partitions === 0) return before === undefined ? `${stream} starts` : `${stream} goes on`
  const sum = Object.values(offsets).reduce((total, offset) => total + BigInt(offset), 0n)
  return `${stream} goes on at offset ${sum}${partitions === 1 ? '' : ` (of ${partitions} partitions)`}`
}

/** Why a plan is refused, with the place in the author's files. */
export async function refusalOf(plan: PlanView, project: Project, projectDir: string, files: readonly string[]): Promise<MillraceError> {
  const lines: string[] = []
  for (const { subject, problems } of plan.schemas) {
    const topic = project.topics.find(({ name }) => subject === `${name}-value`)
    for (const problem of problems) lines.push(await placed(problem, topic?.schema ?? null, projectDir, files))
  }
  for (const { topic, problems } of plan.topics) {
    const reader = project.streams.find(({ nodes }) => nodes.some((node) => node.is === 'source' && node.topic === topic))
    for (const problem of problems) lines.push(`${placeOf(reader?.at ?? null, projectDir)}${problem}`)
  }
  for (const { table, error } of plan.tables) {
    const writer = project.streams.find(({ nodes }) => nodes.some((node) => node.is === 'sink' && node.table === table))
    if (error !== null) lines.push(`${placeOf(writer?.at ?? null, projectDir)}${error.message}`)
  }
  return new MillraceError('SCHEMA_INCOMPATIBLE', [...new Set(lines)].join('; '))
}

function placeOf(at: string | null, projectDir: string): string {
  return at === null ? '' : `${at.startsWith('/') ? relative(projectDir, at) : at}: `
}

/** A problem of a field, behind the line where the schema names it (definitions do not say where their fields stand). */
async function placed(problem: string, schema: string | null, projectDir: string, files: readonly string[]): Promise<string> {
  const [, field] = /field "([^".]+)"/.exec(problem) ?? []
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const begins = schema === null ? -1 : text.search(new RegExp(`schema\\(\\s*['"\`]${schema.replaceAll(/\W/g, '\\$&')}['"\`]`))
    if (begins < 0) continue
    const within = field === undefined ? -1 : text.slice(begins).search(new RegExp(`^\\s*['"]?${field}['"]?\\s*:`, 'm'))
    const at = within < 0 ? begins : begins + within + (/^\s*/.exec(text.slice(begins + within))?.[0].length ?? 0)
    return `${relative(projectDir, file)}:${text.slice(0, at).split('\n').length}: ${problem}`
  }
  return problem
}
