import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { childExecArgv, siblingPath } from '../platform/index.ts'
import { startBroker } from './index.ts'

let dataDir = ''
const children: ChildProcess[] = []

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

async function startChild(): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [...childExecArgv, siblingPath(import.meta.url, './testing/killable-broker'), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  return { child, address: line.toString().split(' ')[0] ?? '' }
}

describe('after kill -9', () => {
  it.each([
    ['acks=1', 1],
    ['acks=all', -1],
  ])('every record acknowledged with %s is there again (P1)', async (_name, acks) => {
    const { child, address } = await startChild()
    const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, retry: { retries: 0 } })
    await producer.connect()
    await producer
      .send({ topic: 'users', acks, messages: [{ value: 'first' }] })
      .catch(() => producer.send({ topic: 'users', acks, messages: [{ value: 'first' }] }))
    let acknowledged = 1
    const sending = (async () => {
      for (;;) {
        await producer.send({ topic: 'users', acks, messages: [{ value: 'x' }, { value: 'y' }] })
        acknowledged += 2
        if (acknowledged === 101) child.kill('SIGKILL')
      }
    })()
    await expect(sending).rejects.toThrow()
    await producer.disconnect()
    const again = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
    expect(again.recovered.records).toBeGreaterThanOrEqual(acknowledged)
    await again.close()
  })
})

const kcatIsHere = spawnSync('kcat', ['-V']).status === 0

describe.skipIf(!kcatIsHere)('the broker, spoken to by kcat (left out where kcat is not installed)', () => {
  it('gives back records of every codec, directly and through a group', async () => {
    const { address } = await startChild()
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i} ${'x'.repeat(50)}`).join('\n') + '\n'
    const kcat = (args: string[], input = ''): string => {
      const run = spawnSync('kcat', ['-b', address, ...args], { input, encoding: 'utf8', timeout: 60_000 })
      expect(run.status, run.stderr).toBe(0)
      return run.stdout
    }
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      kcat(['-P', '-t', codec, '-z', codec, '-X', 'enable.idempotence=true'], lines)
      expect(kcat(['-C', '-t', codec, '-e', '-q', '-o', 'beginning'])).toBe(lines)
    }
    expect(kcat(['-L'])).toContain('topic "lz4" with 1 partitions')
    expect(kcat(['-G', 'g', '-e', '-q', '-X', 'auto.offset.reset=earliest', 'gzip'])).toBe(lines)
  })
})
