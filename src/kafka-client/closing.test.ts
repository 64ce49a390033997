import { describe, expect, it } from 'vitest'
import { type BrokerHandle, startBroker } from '../broker/index.ts'
import { createLogger, listenTcp } from '../platform/index.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectKafka } from './index.ts'

/** A broker whose place is taken, once it is gone, by something that accepts connections and says nothing: the worst way to be away. */
async function world() {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-client-'))
  const broker: BrokerHandle = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  const lines: string[] = []
  const kafka = await connectKafka({
    bootstrapServers: [broker.address],
    clientId: 'test',
    log: createLogger((line) => lines.push(line), { level: 'warn' }),
  })
  await kafka.admin.createTopics([{ name: 't', partitions: 1 }])
  let silence: { close(): Promise<void> } | null = null
  return {
    kafka,
    lines,
    goAway: async (): Promise<void> => {
      await broker.close()
      const port = broker.listeners[0]?.port ?? 0
      silence = await listenTcp({ host: '127.0.0.1', port, onConnection: () => undefined })
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await kafka.close({ timeoutMs: 0 })
      await silence?.close()
      await broker.close()
      rmSync(dataDir, { recursive: true })
    },
  }
}

describe('closing while the broker is away', () => {
  it('a consumer takes no longer than it may, and says what it could not do', async () => {
    await using away = await world()
    const committing: Promise<unknown>[] = []
    const consumer = away.kafka.consumer({
      groupId: 'g',
      topics: ['t'],
      startingOffsets: 'earliest',
      onRevoked: async () => {
        const commit = consumer.commit([{ topic: 't', partition: 0, offset: 1n, leaderEpoch: -1, metadata: '' }])
        committing.push(commit.catch((error: unknown) => error))
        await commit
      },
    })
    while (consumer.assignment().length === 0) await consumer.poll()
    await away.goAway()
    const from = performance.now()
    await consumer.close({ timeoutMs: 300 })
    expect(performance.now() - from).toBeLessThan(20_000)
    expect(away.lines.join('')).toMatch(/closed after 300 ms without giving up its partitions/)
    // The commit is not left to wait for ever.
    expect(await Promise.all(committing)).toMatchObject([{ code: 'CLOSED' }])
  })

  it('a producer tells the senders, those that wait for a topic too', async () => {
    await using away = await world()
    const producer = away.kafka.producer()
    await producer.send([{ topic: 't', key: null, value: '1' }])
    await away.goAway()
    const sends = ['t', 'not known'].map((topic) =>
      producer.send([{ topic, key: null, value: '2' }]).then(
        () => 'sent',
        (error: unknown) => error,
      ),
    )
    await producer.close({ timeoutMs: 200 })
    expect(await Promise.all(sends)).toMatchObject([{ code: 'CLOSED' }, { code: 'CLOSED' }])
    expect(away.lines.join('')).toContain('records that were not acknowledged')
  })

  it('a client with all it made is closed in the same time', async () => {
    await using away = await world()
    const consumer = away.kafka.consumer({ groupId: 'g', topics: ['t'], startingOffsets: 'earliest' })
    while (consumer.assignment().length === 0) await consumer.poll()
    await away.goAway()
    const from = performance.now()
    await away.kafka.close({ timeoutMs: 300 })
    expect(performance.now() - from).toBeLessThan(20_000)
  })
})
