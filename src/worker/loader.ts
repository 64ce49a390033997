import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FromLoader, ToLoader } from '../core/index.ts'
import { asMillraceError } from '../platform/index.ts'
import { openChannel } from './channel.ts'
import { keepCode, keepNoCode } from './compiled-code.ts'
import { keepConfig, loadConfig, mustNotBeKept } from './load-config.ts'
import { loadProject } from './load-project.ts'

export async function serveLoading(): Promise<void> {
  const channel = openChannel<ToLoader, FromLoader>()
  const handle = async (message: Exclude<ToLoader, { is: 'warm' }>): Promise<FromLoader> => {
    if (message.is === 'load-config') {
      const config = await loadConfig(message.path)
      if (mustNotBeKept(config)) keepNoCode()
      return { is: 'config', config }
    }
    if (message.is === 'keep-config') return { is: 'config-kept', ...(await keepConfig(message.path, message.bundlesDir)) }
    const loaded = await loadProject(message, (file) => channel.send({ is: 'loading', file }))
    // This child is ended once it has answered.
    keepCode()
    return { is: 'loaded', ...loaded }
  }
  channel.onMessage((message) => {
    if (message.is === 'warm') return void warm(message.projectDir)
    void handle(message)
      .catch((error: unknown): FromLoader => ({ is: 'failed', error: asMillraceError(error, 'PIPELINE_INVALID').toJSON() }))
      .then((answer) => channel.send(answer))
  })
  await channel.send({ is: 'ready' })
}

/** What every project's files need: the bundler, with its process, and this package as the project finds it. What fails now is told when it is needed. */
async function warm(projectDir: string): Promise<void> {
  const { resolve } = createRequire(join(projectDir, 'millrace.config.ts'))
  const own = async (name: string): Promise<unknown> => import(pathToFileURL(resolve(name)).href)
  const bundler = import('esbuild').then(({ transform }) => transform(''))
  await Promise.allSettled([bundler, own('millrace'), own('zod')])
}
