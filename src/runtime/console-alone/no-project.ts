import type { ApiPorts } from '../../api-server/index.ts'
import type { Project } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'

/** Nobody says what is personal either: all values are hidden from viewers. */
export const noProject: Project = { name: 'console', schemas: [], topics: [], tables: [], streams: [], dags: [] }

const none = (): Promise<never> =>
  Promise.reject(
    new MillraceError('NOT_FOUND', 'This console stands alone: there are no pipelines, so no DAGs, streams, dead letters and alerts.'),
  )

/** What the API asks of a project, where there is none. */
export const withoutProject: Omit<ApiPorts, 'status' | 'doctor' | 'endpoints' | 'data' | 'stop'> = {
  project: () => noProject,
  masking: () => noProject,
  streams: () => [],
  streamMotions: () => [],
  alerts: {
    view: () => ({ firing: [], webhook: { host: null, waiting: 0, delivered: 0, failed: 0, lastError: null } }),
    test: none,
  },
  scheduler: {
    dags: () => Promise.resolve([]),
    runs: () => Promise.resolve([]),
    run: () => Promise.resolve(null),
    attemptLog: () => Promise.resolve(null),
    trigger: none,
    cancelRun: none,
    setPaused: none,
  },
  deadLetters: { list: none, one: none, replay: none, discard: none },
  offsets: { of: none, plan: none, reset: none, cursors: none, forget: none },
}
