import type { FromLoader, ToLoader } from '../core/index.ts'
import { asMillraceError } from '../platform/index.ts'
import { openChannel } from './channel.ts'
import { keepCode, keepNoCode } from './compiled-code.ts'
import { keepConfig, loadConfig, mustNotBeKept } from './load-config.ts'
import { loadProject } from './load-project.ts'

export async function serveLoading(): Promise<void> {
  const channel = openChannel<ToLoader, FromLoader>()
  const handle = async (message: ToLoader): Promise<FromLoader> => {
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
    void handle(message)
      .catch((error: unknown): FromLoader => ({ is: 'failed', error: asMillraceError(error, 'PIPELINE_INVALID').toJSON() }))
      .then((answer) => channel.send(answer))
  })
  await channel.send({ is: 'ready' })
}
