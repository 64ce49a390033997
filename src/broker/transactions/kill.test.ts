import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { childExecArgv, siblingPath } from '../../platform/index.ts'
import { connectTo } from '../testing/ask.ts'
import { readCommitted, stableOffset, TransactionalClient } from '../testing/transactional-client.ts'

const records = 200
const kills = Number(process.env['MILLRACE_KILL_ROUNDS'] ?? 2)
let dataDir = ''
let child: ChildProcess | undefined

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

async function startChild(): Promise<string> {
  child = spawn(process.execPath, [...childExecArgv, siblingPath(import.meta.url, '../testing/killable-broker'), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  return line.toString().split(' ')[0] ?? ''
}

/** Reads what is committed, writes it on, and commits where it got, all in one transaction, until everything is copied or the broker is gone. */
async function copy(address: string, copied: (upTo: number) => void): Promise<boolean> {
  try {
    using client = await connectTo(address)
    const producer = new TransactionalClient(client, 'copier')
    await producer.begin(['in', 'out'])
    for (let at = await stableOffset(client, 'copier', 'in'); ;) {
      const { values, next } = await readCommitted(client, 'in', at < 0n ? 0n : at)
      if (values.length === 0) return true
      const some = values.slice(0, 10)
      await producer.write('out', some)
      at = some.length === values.length ? next : (at < 0n ? 0n : at) + BigInt(some.length)
      await producer.commitOffset('copier', 'in', at)
      // Every fourth is done over.
      const commit = Math.random() > 0.25
      await producer.end(commit)
      if (!commit) at = await stableOffset(client, 'copier', 'in')
      copied(Number(at))
    }
  } catch {
    return false
  }
}

describe('a copier by transactions, whose broker is killed (kill -9) time and again', () => {
  it('leaves each record in the output exactly once', { timeout: 60_000 + kills * 10_000 }, async () => {
    let address = await startChild()
    const input = Array.from({ length: records }, (_, i) => `${i}`)
    {
      using client = await connectTo(address)
      const producer = new TransactionalClient(client, 'source')
      await producer.begin(['in'])
      await producer.write('in', input)
      await producer.end(true)
    }
    let killed = 0
    let done = false
    while (!done) {
      const killAt = ((killed + 1) * records) / (kills + 1)
      done = await copy(address, (upTo) => {
        if (killed >= kills || upTo < killAt) return
        killed++
        child?.kill('SIGKILL')
      })
      if (!done) address = await startChild()
    }
    using client = await connectTo(address)
    const output = await readCommitted(client, 'out')
    expect([killed, output.values]).toEqual([kills, input])
    expect(output.lastStable).toBe(output.high)
  })
})
