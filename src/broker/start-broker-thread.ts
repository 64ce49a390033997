import { Worker } from 'node:worker_threads'
import { abortReason, asMillraceError, childExecArgv, MillraceError, siblingModule, silentLogger, type Logger } from '../platform/index.ts'
import { resolveOptions, type BrokerHandle, type BrokerOptions } from './options.ts'
import type { FromThread, ThreadOptions, ToThread } from './thread-messages.ts'

type Started = Extract<FromThread, { is: 'started' }>

/**
 * Starts the broker on a worker thread of its own: the same broker, isolated from this thread's work. `failed` rejects when
 * the thread dies. Log lines come to `log`.
 * @throws MillraceError as startBroker
 */
export async function startBrokerThread(
  options: Omit<BrokerOptions, 'disk' | 'clock' | 'log' | 'intercept'> & { log?: Logger },
  context: { signal?: AbortSignal } = {},
): Promise<BrokerHandle> {
  const { log = silentLogger, ...rest } = options
  const { signal } = context
  resolveOptions(rest)
  if (signal?.aborted) throw abortReason(signal)
  const threadOptions: ThreadOptions = rest
  const worker = new Worker(siblingModule(import.meta.url, './thread'), {
    workerData: threadOptions,
    execArgv: [...childExecArgv],
    name: 'broker',
  })
  const died = new Promise<MillraceError>((resolve) => {
    worker.once('error', (error) => resolve(asMillraceError(error, 'CHILD_EXITED', 'The broker thread failed: ')))
    worker.once('exit', (code) => resolve(new MillraceError('CHILD_EXITED', `The broker thread ended with code ${code}.`)))
  })
  const closed = new Promise<void>((resolve) => worker.on('message', (message: FromThread) => message.is === 'closed' && resolve()))
  worker.on('message', (message: FromThread) => message.is === 'log' && log[message.level](message.message, message.fields))
  const stop = (): void => void worker.terminate()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const started = await untilStarted(worker, died)
    return handle(worker, started, died, closed, signal)
  } catch (error) {
    throw signal?.aborted ? abortReason(signal) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

async function untilStarted(worker: Worker, died: Promise<MillraceError>): Promise<Started> {
  const first = new Promise<Started | MillraceError>((resolve) => {
    worker.on('message', (message: FromThread) => {
      if (message.is === 'started') resolve(message)
      if (message.is === 'refused') resolve(MillraceError.fromJSON(message.error))
    })
  })
  const outcome = await Promise.race([first, died])
  if (outcome instanceof MillraceError) throw outcome
  return outcome
}

function handle(worker: Worker, started: Started, died: Promise<MillraceError>, closed: Promise<void>, signal?: AbortSignal): BrokerHandle {
  let closing: Promise<void> | null = null
  // After close() the end is no failure: then it never settles.
  const failed = died.then((error) => (closing ? new Promise<never>(() => {}) : Promise.reject(error)))
  failed.catch(() => {})
  const close = (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort)
    closing ??= (async () => {
      const message: ToThread = { is: 'close' }
      worker.postMessage(message)
      await Promise.race([closed, died])
      await worker.terminate()
    })()
    return closing
  }
  const onAbort = (): void => void close()
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    address: started.address,
    listeners: started.listeners,
    recovered: started.recovered,
    failed,
    close,
    [Symbol.asyncDispose]: close,
  }
}
