import { resolve } from 'node:path'
import type { FromLoader, Json, Project, ToLoader } from '../../core/index.ts'
import { MillraceError, systemClock, type Clock } from '../../platform/index.ts'
import { nearestConfig } from '../../settings/index.ts'
import { describeExit, spawnChild, type Child } from './child.ts'

/** Longest a pipeline file may take to load; one that loops never would. */
const loadLimitMs = 10_000

/** The child that loads the author's files; nothing of them runs in the supervisor. */
export interface Loading {
  /** The config as JSON, unchecked; functions in it as `{ function: path }`. */
  config(path: string): Promise<Json>
  /** Bundles the config into the folder, for children that call its functions. */
  keepConfig(path: string, bundlesDir: string): Promise<{ module: string; digest: string }>
  /** Loads, ahead of time, what loading will need. */
  warm(projectDir: string): void
  pipelines(options: {
    name: string
    projectDir: string
    bundlesDir: string
    globs: readonly string[]
  }): Promise<{ project: Project; warnings: string[]; files: string[] }>
  close(): void
}

type Answer = Exclude<FromLoader, { is: 'ready' | 'loading' }>

export function startLoading(options: { owner: string; onLine: (line: string) => void; clock?: Clock }): Loading {
  const { owner, onLine, clock = systemClock } = options
  let inHand = ''
  let answered: (answer: Answer) => void = () => undefined
  const child: Child<ToLoader> = spawnChild<ToLoader, FromLoader>({
    role: 'loader',
    owner,
    onLine,
    onMessage: (message) => {
      if (message.is === 'loading') inHand = message.file
      else if (message.is !== 'ready') answered(message)
    },
  })
  const ask = (message: ToLoader): Promise<Answer> =>
    new Promise((resolve) => {
      const failed = (text: string): void => resolve({ is: 'failed', error: new MillraceError('PIPELINE_INVALID', text).toJSON() })
      const stopTimer = clock.after(loadLimitMs, () => {
        child.kill()
        failed(
          `${inHand || 'The pipeline files'}: not loaded after ${loadLimitMs / 1_000} s: a file must define things and return, not run for ever.`,
        )
      })
      answered = (answer) => {
        stopTimer()
        resolve(answer)
      }
      child.send(message)
      void child.exited.then((exit) => {
        stopTimer()
        failed(`${inHand || 'The pipeline files'}: loading ended the process (${describeExit(exit)}).`)
      })
    })
  return {
    warm: (projectDir) => child.send({ is: 'warm', projectDir }),
    config: async (path) => {
      const answer = await ask({ is: 'load-config', path })
      if (answer.is === 'failed') throw new MillraceError('CONFIG_INVALID', MillraceError.fromJSON(answer.error).message)
      if (answer.is !== 'config') throw new MillraceError('INTERNAL', 'the loader answered out of turn')
      return answer.config
    },
    keepConfig: async (path, bundlesDir) => {
      const answer = await ask({ is: 'keep-config', path, bundlesDir })
      if (answer.is === 'failed') throw MillraceError.fromJSON(answer.error)
      if (answer.is !== 'config-kept') throw new MillraceError('INTERNAL', 'the loader answered out of turn')
      return { module: answer.module, digest: answer.digest }
    },
    pipelines: async ({ name, projectDir, bundlesDir, globs }) => {
      const answer = await ask({ is: 'load-pipelines', name, projectDir, bundlesDir, globs: [...globs] })
      if (answer.is === 'failed') throw MillraceError.fromJSON(answer.error)
      if (answer.is !== 'loaded') throw new MillraceError('INTERNAL', 'the loader answered out of turn')
      return { project: answer.project, warnings: answer.warnings, files: answer.files }
    },
    close: () => child.kill(),
  }
}

/** The nearest folder upwards that holds a `millrace.config.ts`. */
export function findConfig(from: string): { configPath: string; projectDir: string } {
  const found = nearestConfig(from)
  if (found !== null) return found
  throw new MillraceError(
    'CONFIG_MISSING',
    `There is no millrace.config.ts in ${resolve(from)} or above it: go to the project's folder, name it with --project, or begin a project with "millrace init <dir>".`,
  )
}
