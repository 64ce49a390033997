import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRandomUserStandIn } from '../../src/connectors/index.ts'
import { names } from '../../src/core/index.ts'
import { connectKafka, type KafkaClient } from '../../src/kafka-client/index.ts'
import { Releasers, siblingPath } from '../../src/platform/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { startSourceProcess, type SourceProcess } from '../harness/source-process.ts'
import { describeOn } from './available.ts'
import { startKillableBroker } from './killable-broker.ts'
import { rowsOf } from './transaction-copier.ts'

/** P4, on processes that are killed. */
describeOn([], 'sources on our embedded broker', () => judge(startKillableBroker))
describeOn(['kafka4'], 'sources on Kafka 4', () => judge(engines.kafka4))
describeOn(['kafka3'], 'sources on Kafka 3.9 with ZooKeeper', () => judge(engines.kafka3))

const sourceRun = siblingPath(import.meta.url, '../harness/source-run')
const KILLS = 20

interface Broker extends AsyncDisposable {
  readonly bootstrapServers: string
}

function judge(start: () => Promise<Broker>): void {
  const parts = new Releasers()
  let broker: Broker
  let kafka: KafkaClient
  let url = ''

  beforeAll(async () => {
    broker = await start()
    parts.add('broker', async () => broker[Symbol.asyncDispose]())
    kafka = await connectKafka({ bootstrapServers: [broker.bootstrapServers], clientId: 'source-transactions' })
    parts.add('kafka', () => kafka.close())
    const standIn = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
    parts.add('stand-in', () => standIn.close())
    ;({ url } = standIn)
  }, 600_000)
  afterAll(() => parts.close())

  const startRun = (topic: string, run: string, pages: number): SourceProcess =>
    startSourceProcess(sourceRun, [broker.bootstrapServers, url, topic, run, String(pages)])

  const committed = async (topic: string): Promise<string[]> => {
    await using reader = kafka.reader({ topic, from: 'earliest', isolationLevel: 'read_committed', maxWaitMs: 100 })
    const keys: string[] = []
    do for (const batch of await reader.poll()) keys.push(...rowsOf(batch).map(({ key }) => key))
    while (!reader.atEnd())
    return keys
  }

  const usersOfPages = async (pages: number): Promise<string[]> => {
    const ids: string[] = []
    for (let page = 1; page <= pages; page++) {
      const answer: { results: { login: { uuid: string } }[] } = JSON.parse(
        await (await fetch(`${url}?results=40&seed=s&page=${page}`)).text(),
      )
      ids.push(...answer.results.map(({ login }) => login.uuid))
    }
    return ids
  }

  test(`killed ${KILLS} times between and within pages, each user is in the topic exactly once`, { timeout: 300_000 }, async () => {
    const random = seededRandom(7)
    await kafka.admin.createTopics([{ name: 'killed', partitions: 3 }])
    for (let kill = 0; kill < KILLS; kill++) {
      const run = startRun('killed', `run-${kill}`, 100_000)
      await run.hasWritten(1 + Math.floor(random() * 3))
      await run.killAfter(random() * 12)
    }
    const last = startRun('killed', 'last', 2)
    expect(await last.ended).toMatch(/^done 2$/)
    const keys = await committed('killed')
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.length % 40).toBe(0)
    expect(keys.toSorted()).toEqual((await usersOfPages(keys.length / 40)).toSorted())
  })

  test('a second run fences the first, which says who took over; nothing is doubled', { timeout: 240_000 }, async () => {
    await kafka.admin.createTopics([{ name: 'fenced', partitions: 3 }])
    const first = startRun('fenced', 'first', 100_000)
    await first.hasWritten(3)
    const second = startRun('fenced', 'second', 30)
    expect(await first.ended).toMatch(/^failed .*another run of it has taken over \((run second, attempt 1|one that has not written)/)
    expect(await second.ended).toBe('done 30')
    const keys = await committed('fenced')
    expect(keys.toSorted()).toEqual((await usersOfPages(keys.length / 40)).toSorted())
  })

  test('a tombstone in the cursor topic begins the source anew', { timeout: 240_000 }, async () => {
    await kafka.admin.createTopics([{ name: 'reset', partitions: 3 }])
    expect(await startRun('reset', 'one', 2).ended).toBe('done 2')
    await using producer = kafka.producer()
    await producer.send([{ topic: names.cursors('kills'), key: 'reset', value: null }])
    expect(await startRun('reset', 'two', 3).ended).toBe('done 3')
    const [first, again] = [await usersOfPages(2), await usersOfPages(3)]
    expect((await committed('reset')).toSorted()).toEqual([...first, ...again].toSorted())
  })
}
