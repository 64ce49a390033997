import type { StatusView } from '../core/index.ts'
import type { ErrorJson } from '../platform/index.ts'

const stalledMs = 60_000

/** How a stream gets on. */
export type StreamMotion = { readonly stream: string } & (
  | { readonly is: 'starting' | 'moving' }
  /** A system that it needs is away. */
  | { readonly is: 'retrying'; readonly forMs: number }
  /** Records wait, and none was committed for so long. `hasMoved`: one was, since somebody looks. */
  | { readonly is: 'waiting'; readonly records: number; readonly forMs: number; readonly hasMoved: boolean }
  | { readonly is: 'stopped'; readonly failed: boolean }
)

export interface Readiness {
  readonly ready: boolean
  /** Each thing that is not: `load_users: 40 records wait, none was committed for 75 s`. */
  readonly because: string[]
}

/** Without details, which are for those who signed in. */
function loadProblem({ code, details }: ErrorJson): string {
  const what =
    code === 'PIPELINE_INVALID' ? 'the pipeline files do not load' : `the pipeline files as they are now are not taken up (${code})`
  return details?.goesOn === 'before' ? `${what}; what was loaded before goes on` : what
}

/** Not ready: records wait and none was committed for a minute, a stream has been retrying for one or has stopped, a part does not answer. */
export function readiness(status: Pick<StatusView, 'parts' | 'loadError'>, motions: readonly StreamMotion[]): Readiness {
  const because = [
    ...(status.loadError === null ? [] : [loadProblem(status.loadError)]),
    ...status.parts.filter(({ state }) => state === 'failed').map(({ name }) => `${name} does not answer`),
    ...motions.flatMap((motion) => whyNot(motion) ?? []),
  ]
  return { ready: because.length === 0, because }
}

function whyNot(motion: StreamMotion): string | null {
  const { stream } = motion
  if (motion.is === 'stopped') return motion.failed ? `${stream} has stopped` : null
  if (!('forMs' in motion) || motion.forMs < stalledMs) return null
  const seconds = Math.round(motion.forMs / 1_000)
  return motion.is === 'retrying'
    ? `${stream} has been retrying for ${seconds} s`
    : `${stream}: ${motion.records} records wait, none was committed for ${seconds} s`
}
