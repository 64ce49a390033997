import type { Project, RunDetail, RunView, StatusView, StreamStatus } from '../../core/index.ts'
import type { ErrorJson } from '../../platform/index.ts'
import type { Principal } from '../access/roles.ts'
import { definesNothing, hasPersonal, mask } from './payload.ts'

/** In place of a text that may tell of a value: what was thrown, what a task printed. Nobody can tell which part of it is personal. */
export const withheld = '(withheld from viewers: it may tell of personal fields)'

/** Whether values are hidden from who asks: from viewers, where anything is personal, or nobody knows. */
export function hidesPersonal(principal: Principal, project: Project): boolean {
  const { schemas, tables } = project
  const all = [...schemas.map(({ fields }) => fields), ...tables.map(({ columns }) => columns)].flat()
  return principal.role === 'viewer' && (definesNothing(project) || all.some(hasPersonal))
}

export function withheldStatus(status: StatusView): StatusView {
  return { ...status, streams: status.streams.map(withheldStream) }
}

export function withheldStream<T extends StreamStatus>(stream: T): T {
  const { state, lastDeadLetter } = stream
  return {
    ...stream,
    lastDeadLetter: lastDeadLetter && { ...lastDeadLetter, message: withheld },
    state: 'error' in state && state.error !== null ? { ...state, error: withheldError(state.error) } : state,
  }
}

/** Names of the parameters stay. */
export function withheldRun<T extends RunView>(run: T): T {
  return { ...run, params: Object.fromEntries(Object.keys(run.params).map((name) => [name, mask])) }
}

export function withheldRunDetail<T extends RunDetail>(run: T): T {
  const tasks = run.tasks.map((task) => ({
    ...task,
    error: task.error && withheldError(task.error),
    attempts: task.attempts.map((attempt) => ({ ...attempt, reason: attempt.reason && withheld })),
  }))
  return withheldRun({ ...run, tasks })
}

function withheldError({ code, retriable }: ErrorJson): ErrorJson {
  return { code, retriable, message: withheld }
}
