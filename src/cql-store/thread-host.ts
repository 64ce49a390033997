import { Worker } from 'node:worker_threads'
import { abortReason, childExecArgv, MillraceError, siblingModule, silentLogger } from '../platform/index.ts'
import type { CqlStoreHandle, CqlStoreOptions } from './start.ts'
import type { FromThread, ThreadOptions, ToThread } from './thread-messages.ts'

/**
 * Starts the table store on a worker thread of its own. `failed` rejects when the thread dies; `close` drains it.
 * @throws MillraceError as `startCqlStore`
 */
export async function startCqlStoreThread(
  options: Omit<CqlStoreOptions, 'disk' | 'clock' | 'intercept'>,
  context: { signal?: AbortSignal } = {},
): Promise<CqlStoreHandle> {
  const { log = silentLogger, ...rest } = options
  if (context.signal?.aborted) throw abortReason(context.signal)
  const workerData: ThreadOptions = rest
  const worker = new Worker(siblingModule(import.meta.url, './thread'), {
    workerData,
    execArgv: [...childExecArgv],
    resourceLimits: { maxYoungGenerationSizeMb: 12 },
  })
  const ready = Promise.withResolvers<Extract<FromThread, { is: 'ready' }>>()
  const failed = Promise.withResolvers<never>()
  const ended = Promise.withResolvers<void>()
  failed.promise.catch(() => {})
  let isClosing = false
  worker.on('message', (message: FromThread) => {
    if (message.is === 'log') log[message.level](message.message, message.fields)
    else if (message.is === 'ready') ready.resolve(message)
    else if (message.is === 'refused') ready.reject(MillraceError.fromJSON(message.error))
    else if (message.is === 'failed') failed.reject(MillraceError.fromJSON(message.error))
  })
  worker.once('error', (error) => {
    const death = new MillraceError('CHILD_EXITED', `The table store's thread died: ${error.message}`, { cause: error })
    ready.reject(death)
    failed.reject(death)
  })
  worker.once('exit', (code) => {
    const death = new MillraceError('CHILD_EXITED', `The table store's thread ended by itself (code ${code}).`, { details: { code } })
    ready.reject(death)
    if (!isClosing) failed.reject(death)
    ended.resolve()
  })
  const { host, port, address, recovered } = await ready.promise.catch(async (error: unknown) => {
    await worker.terminate()
    throw error
  })
  const close = (): Promise<void> => {
    if (!isClosing) {
      isClosing = true
      const message: ToThread = { is: 'close' }
      worker.postMessage(message)
    }
    return ended.promise
  }
  return { host, port, address, recovered, failed: failed.promise, close, [Symbol.asyncDispose]: close }
}
