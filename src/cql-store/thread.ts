import { parentPort, workerData } from 'node:worker_threads'
import { keepCompiledCode, asMillraceError, messageOf, type LogFields, type Logger, type LogLevel } from '../platform/index.ts'
import { startCqlStore } from './start.ts'
import type { FromThread, ThreadOptions, ToThread } from './thread-messages.ts'

/** Entry of the store's worker thread: see `startCqlStoreThread`. */
const port = parentPort
if (port) await run(workerData)

async function run(options: ThreadOptions): Promise<void> {
  const send = (message: FromThread): void => port?.postMessage(message)
  try {
    const store = await startCqlStore({ ...options, log: postedLogger(send) })
    store.failed.catch((error: unknown) => send({ is: 'failed', error: asMillraceError(error).toJSON() }))
    port?.once('message', (_message: ToThread) => {
      void store.close().finally(() => {
        send({ is: 'closed' })
        port?.close()
      })
    })
    const { host, address, recovered } = store
    keepCompiledCode()
    send({ is: 'ready', host, port: store.port, address, recovered })
  } catch (error) {
    send({ is: 'refused', error: asMillraceError(error).toJSON() })
    port?.close()
  }
}

function postedLogger(send: (message: FromThread) => void): Logger {
  const log =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      send({ is: 'log', level, message, fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)])) })
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'), child: () => logger }
  return logger
}

/** What can be posted to another thread. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return messageOf(value)
  return typeof value === 'object' ? JSON.stringify(value) : value
}
