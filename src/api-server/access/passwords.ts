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
/** The thread ends when nobody signed in for a while. */
const idleMs = 5_000

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

export function createPasswords(): Passwords {
  let worker: Worker | null = null
  let idle: NodeJS.Timeout | undefined
  let lastId = 0
  const waiting = new Map<number, Waiting>()
  const end = (error: Error): void => {
    for (const job of waiting.values()) job.reject(error)
    waiting.clear()
    worker = null
  }
  const start = (): Worker => {
    const thread = new Worker(siblingModule(import.meta.url, './password-thread'), { execArgv: [...childExecArgv] })
    thread.unref()
    thread.on('message', ({ id, hash }: { id: number; hash: Uint8Array }) => {
      waiting.get(id)?.resolve(hash)
      waiting.delete(id)
      idle = setTimeout(() => waiting.size === 0 && void thread.terminate(), idleMs)
      idle.unref()
    })
    thread.on('error', end)
    thread.on('exit', () => worker === thread && end(new Error('The thread that checks passwords ended.')))
    return thread
  }
  const derive = (password: string, salt: Uint8Array, jobCost: number): Promise<Uint8Array> => {
    clearTimeout(idle)
    worker ??= start()
    const job: HashJob = { id: ++lastId, password, salt, cost: jobCost }
    return new Promise((resolve, reject) => {
      waiting.set(job.id, { resolve, reject })
      worker?.postMessage(job)
    })
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
      clearTimeout(idle)
      await worker?.terminate()
    },
  }
}
