import { randomBytes, timingSafeEqual } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { childExecArgv, siblingModule } from '../../platform/index.ts'

export interface HashJob {
  readonly id: number
  readonly password: string
  readonly salt: Uint8Array
  readonly cost: number
}

/** scrypt (RFC 7914) with r = 8, p = 1: `scrypt$N$salt$hash`, base64url. */
export type PasswordHash = string

/** N = 2^15: 32 MiB and about 100 ms a guess. */
const cost = 32_768

export const shortestPassword = 10

/** Hashes and checks passwords, one at a time, off the main thread: guesses cannot take more than one core. */
export interface Passwords {
  hash(password: string): Promise<PasswordHash>
  /** Costs the same for a user that is not there (`null`). */
  matches(password: string, hash: PasswordHash | null): Promise<boolean>
  close(): Promise<void>
}

interface Waiting {
  resolve(hash: Uint8Array): void
  reject(error: Error): void
}

/** @param idleMs the thread ends when nobody signed in for so long */
export function createPasswords({ idleMs = 5_000 }: { idleMs?: number } = {}): Passwords {
  let thread: HashThread | null = null
  let isClosed = false
  const derive = (password: string, salt: Uint8Array, jobCost: number): Promise<Uint8Array> => {
    if (isClosed) return Promise.reject(new Error('The thread that checks passwords has ended.'))
    thread ??= startThread(idleMs, (ended) => {
      if (thread === ended) thread = null
    })
    return thread.derive(password, salt, jobCost)
  }
  return {
    hash: async (password) => {
      const salt = randomBytes(16)
      const hash = await derive(password, salt, cost)
      return `scrypt$${cost}$${salt.toString('base64url')}$${Buffer.from(hash).toString('base64url')}`
    },
    matches: async (password, stored) => {
      const [, n = String(cost), salt = 'nobody', hash = ''] = (stored ?? '').split('$')
      const derived = await derive(password, Buffer.from(salt, 'base64url'), Number(n))
      const expected = Buffer.from(hash, 'base64url')
      return expected.length === derived.length && timingSafeEqual(expected, derived)
    },
    close: async () => {
      isClosed = true
      await thread?.end()
    },
  }
}

interface HashThread {
  derive(password: string, salt: Uint8Array, cost: number): Promise<Uint8Array>
  /** What waits is refused. */
  end(): Promise<void>
}

/** @param onEnd told before it ends: from then on nothing more may be asked of it */
function startThread(idleMs: number, onEnd: (thread: HashThread) => void): HashThread {
  const worker = new Worker(siblingModule(import.meta.url, './password-thread'), { execArgv: [...childExecArgv] })
  const waiting = new Map<number, Waiting>()
  let idle: NodeJS.Timeout | undefined
  let lastId = 0
  const ended = (error: Error): void => {
    clearTimeout(idle)
    onEnd(thread)
    for (const job of waiting.values()) job.reject(error)
    waiting.clear()
  }
  const end = async (): Promise<void> => {
    ended(new Error('The thread that checks passwords has ended.'))
    await worker.terminate()
  }
  const thread: HashThread = {
    derive: (password, salt, jobCost) => {
      clearTimeout(idle)
      const job: HashJob = { id: ++lastId, password, salt, cost: jobCost }
      return new Promise((resolve, reject) => {
        waiting.set(job.id, { resolve, reject })
        worker.postMessage(job)
      })
    },
    end,
  }
  worker.unref()
  worker.on('message', ({ id, hash }: { id: number; hash: Uint8Array }) => {
    waiting.get(id)?.resolve(hash)
    waiting.delete(id)
    if (waiting.size > 0) return
    clearTimeout(idle)
    idle = setTimeout(() => void end(), idleMs)
    idle.unref()
  })
  worker.on('error', ended)
  worker.on('exit', () => ended(new Error('The thread that checks passwords has ended.')))
  return thread
}
