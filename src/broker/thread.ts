import { parentPort, workerData } from 'node:worker_threads'
import { asMillraceError, keepCompiledCode, MillraceError, type LogFields, type Logger, type LogLevel } from '../platform/index.ts'
import { startBroker } from './start-broker.ts'
import type { FromThread, ThreadOptions, ToThread } from './thread-messages.ts'

/** Entry of the broker's worker thread (see start-broker-thread.ts). */
const port = parentPort
if (!port) throw new MillraceError('INTERNAL', 'This module is the entry of a worker thread.')

const post = (message: FromThread): void => port.postMessage(message)

function postedLogger(): Logger {
  const log =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      post({ is: 'log', level, message, fields: plain(fields) })
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'), child: () => postedLogger() }
}

/** Only what can be cloned: errors as their JSON. */
function plain(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? asMillraceError(value).toJSON() : value]),
  )
}

async function main(options: ThreadOptions): Promise<void> {
  try {
    const broker = await startBroker({ ...options, log: postedLogger() })
    port?.on('message', (message: ToThread) => {
      if (message.is !== 'close') return
      void broker.close().then(() => {
        post({ is: 'closed' })
        port.close()
      })
    })
    keepCompiledCode()
    post({ is: 'started', address: broker.address, listeners: broker.listeners, recovered: broker.recovered })
  } catch (error) {
    post({ is: 'refused', error: asMillraceError(error).toJSON() })
    port?.close()
  }
}

void main(workerData as ThreadOptions)
