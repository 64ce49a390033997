import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { childExecArgv } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { describeOn } from './available.ts'
import { startKillableBroker, type KillableBroker } from './killable-broker.ts'
import { readKeys, rowsOf } from './transaction-copier.ts'

const copierProcess = fileURLToPath(new URL('./copier-process.ts', import.meta.url))
const RECORDS = 100_000
const PARTITIONS = 4
const KILLS = 20
const WITHIN = { timeout: 300_000 }

describeOn([], `${RECORDS} records copied by transactions on our embedded broker`, () => judge(startKillableBroker, 0.5))
describeOn(['kafka4'], `${RECORDS} records copied by transactions on Kafka 4`, () => judge(engines.kafka4, 0))

/** The copier as a process: started again whenever it ends, until it has nothing more to copy. */
class Copier {
  readonly #servers: string
  #child: ChildProcess | null = null
  #stopped = false
  readonly ended: Promise<void>

  constructor(servers: string) {
    this.#servers = servers
    this.ended = this.#run()
  }

  async #run(): Promise<void> {
    for (let code: number | null = 1; code !== 0 && !this.#stopped;) {
      const args = [...childExecArgv, copierProcess, this.#servers, 'input', 'output', String(RECORDS)]
      const child = spawn(process.execPath, args, { stdio: 'ignore' })
      this.#child = child
      const [ended] = (await once(child, 'exit')) as [number | null]
      code = ended
    }
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.kill()
    await this.ended
  }
}

const countOf = (seen: readonly string[][]): number => seen.reduce((sum, keys) => sum + keys.length, 0)

/** Reads committed records while they are copied, until all are there. */
async function watch(kafka: KafkaClient, seen: string[][], signal: AbortSignal): Promise<void> {
  await using reader = kafka.reader({ topic: 'output', from: 'earliest', isolationLevel: 'read_committed', maxWaitMs: 100 })
  while (!signal.aborted && countOf(seen) < RECORDS) {
    for (const batch of await reader.poll()) (seen[batch.partition] ??= []).push(...rowsOf(batch).map(({ key }) => key))
  }
}

function judge(start: () => Promise<KillableBroker>, shareOfBroker: number): void {
  const parts = new AsyncDisposableStack()
  afterEach(() => parts.disposeAsync(), 120_000)

  test(`the output is the input, and so is what a reader saw, though copier and broker were killed ${KILLS} times`, WITHIN, async () => {
    const broker = parts.use(await start())
    const connect = async (): Promise<KafkaClient> => connectKafka({ bootstrapServers: [broker.bootstrapServers], clientId: 'judge' })
    const kafka = parts.use(await connect())
    await kafka.admin.createTopics(['input', 'output'].map((name) => ({ name, partitions: PARTITIONS })))
    {
      await using writer = kafka.producer({ batchBytes: 4_000, compression: 'none' })
      const record = (_: unknown, i: number) => ({ topic: 'input', partition: i % PARTITIONS, key: `record-${i}`, value: 'v' })
      await writer.send(Array.from({ length: RECORDS }, record))
    }
    const seen: string[][] = []
    const enough = new AbortController()
    const watching = watch(kafka, seen, enough.signal)
    parts.defer(() => enough.abort())
    const copier = new Copier(broker.bootstrapServers)
    parts.defer(() => copier.stop())
    const seed = Math.floor(Math.random() * 1_000_000)
    const random = seededRandom(seed)
    const killed = { copier: 0, broker: 0 }
    for (let kill = 1; kill <= KILLS; kill++) {
      await expect.poll(() => countOf(seen), { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual((kill * RECORDS) / (KILLS + 4))
      if (random() < shareOfBroker) {
        killed.broker++
        await broker.kill()
        await broker.restart()
      } else {
        killed.copier++
        copier.kill()
      }
    }
    await Promise.all([copier.ended, watching])
    const input = await readKeys(kafka, 'input')
    expect([killed.copier + killed.broker, seen.map((keys) => keys.length)], `seed ${seed}`).toEqual([
      KILLS,
      input.map((keys) => keys.length),
    ])
    expect(seen, `seed ${seed}: what the reader saw`).toEqual(input)
    expect(await readKeys(kafka, 'output'), `seed ${seed}: the output`).toEqual(input)
  })
}
