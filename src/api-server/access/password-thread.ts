import { scryptSync } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { HashJob } from './passwords.ts'

// A thread of its own: the pool that `crypto.scrypt` uses is the one that the log's fsyncs wait for.
parentPort?.on('message', ({ id, password, salt, cost }: HashJob) => {
  const hash = scryptSync(password.normalize('NFKC'), salt, 32, { N: cost, r: 8, p: 1, maxmem: 256 * cost * 8 })
  parentPort?.postMessage({ id, hash })
})
