import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { schema, topic } from '../authoring/index.ts'
import { Releasers } from '../platform/index.ts'
import { startKafka, startSchemaRegistry } from '../testing/index.ts'
import { connect, type Millrace } from './index.ts'

const Event = schema('Event', { key: z.string(), n: z.int32() })
const events = topic('events', { value: Event, key: 'key' })
const soon = { timeout: 30_000, interval: 10 }

const releasers = new Releasers()
afterEach(() => releasers.close())

async function start() {
  const kafka = await startKafka({ autoCreateTopics: false })
  releasers.add('kafka', () => kafka.close())
  const registry = await startSchemaRegistry({ kafka })
  releasers.add('registry', () => registry.close())
  const open = async (url: string | null = registry.url): Promise<Millrace> => {
    const millrace = await connect({
      project: 'shop',
      kafka: { bootstrapServers: [kafka.bootstrapServers] },
      ...(url === null ? {} : { registry: { url } }),
    })
    releasers.add('client', () => millrace.close())
    return millrace
  }
  return { kafka, registry, open }
}

test('a registry that is away keeps records waiting: none becomes a dead letter', async () => {
  const { kafka, registry, open } = await start()
  await (await open()).produce(events, [{ key: 'a', n: 1 }, { key: 'a', n: 2 }]) // prettier-ignore
  registry.failNext('GET', { status: 503, path: '/schemas/ids', times: 3 })
  const seen: number[] = []
  const consumption = (await open()).consume(events, { group: 'patient', deadLetters: true }, ({ n }) => void seen.push(n))
  await vi.waitFor(() => expect(seen).toEqual([1, 2]), soon)
  expect([registry.failuresLeft, consumption.counts.deadLetters, await kafka.records('patient.dlq')]).toEqual([0, 0, []])
})

test('Avro without a registry stops the consumer, whatever becomes of dead letters: that is no fault of the records', async () => {
  const { open } = await start()
  await (await open()).produce(events, { key: 'a', n: 1 })
  const consumption = (await open(null)).consume(events, { group: 'lost', deadLetters: true }, () => undefined)
  await expect(consumption.done).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(/MILLRACE_REGISTRY_URL/) })
  expect(consumption.counts).toEqual({ handled: 0, deadLetters: 0 })
})

test('a produce that Kafka or the registry keeps from being written is told as retriable, and the next one succeeds', async () => {
  const { kafka, registry, open } = await start()
  const millrace = await open()
  registry.failNext('POST', { status: 503, times: 2 })
  await expect(millrace.produce(events, { key: 'a', n: 1 })).rejects.toMatchObject({ code: 'UNREACHABLE', retriable: true })
  registry.clearFailures()
  await millrace.produce(events, { key: 'a', n: 2 })
  kafka.failNext('Produce', { error: 'NOT_LEADER_OR_FOLLOWER', topic: 'events' })
  await millrace.produce(events, { key: 'a', n: 3 })
  expect(await kafka.records('events')).toHaveLength(2)
})

test('a dead letter whose topic has no leader for a while is written all the same, before its offset is committed', async () => {
  const { kafka, open } = await start()
  const millrace = await open()
  await millrace.produce(events, { key: 'a', n: 1 })
  kafka.failNext('Produce', { error: 'NOT_LEADER_OR_FOLLOWER', topic: 'put-aside', times: 2 })
  const options = { group: 'g', retries: 0, deadLetters: 'put-aside' }
  const consumption = millrace.consume(events, options, () => Promise.reject(new Error('no')))
  await vi.waitFor(() => expect(consumption.counts.deadLetters).toBe(1), soon)
  expect(await kafka.records('put-aside')).toMatchObject([
    {
      key: 'a',
      headers: { '__connect.errors.topic': 'events', '__connect.errors.exception.message': 'no', '__connect.errors.stage': 'step' },
    },
  ])
})

test('a transaction that another process has taken over is told as that, and the next one begins anew', async () => {
  const { kafka } = await start()
  const options = { project: 'shop', instance: 'one', kafka: { bootstrapServers: [kafka.bootstrapServers] } }
  const [first, second] = [await connect(options), await connect(options)]
  releasers.add('clients', async () => void (await Promise.all([first.close(), second.close()])))
  const written = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<void>()
  const fenced = first.transaction(async (tx) => {
    await tx.produce(events, { key: 'a', n: 1 })
    written.resolve()
    await taken.promise
  })
  await written.promise
  await second.transaction((tx) => tx.produce(events, { key: 'a', n: 2 }))
  taken.resolve()
  await expect(fenced).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  await first.transaction((tx) => tx.produce(events, { key: 'a', n: 3 }))
  const seen = async (): Promise<number[]> => (await kafka.records('events')).map(({ text }) => JSON.parse(text ?? '').n)
  await vi.waitFor(async () => expect(await seen()).toEqual([2, 3]), soon)
})

test('after close nothing is taken any more', async () => {
  const { open } = await start()
  const millrace = await open()
  await millrace.close()
  await millrace.close()
  await expect(millrace.produce(events, { key: 'a', n: 1 })).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(millrace.transaction(() => undefined)).rejects.toMatchObject({ code: 'CLOSED' })
  expect(() => millrace.consume(events, { group: 'g' }, () => undefined)).toThrow(/closed/)
})

test.each([
  [{ group: ' ' }, /group is empty/],
  [{ group: 'g', concurrency: 0 }, /concurrency is 0/],
  [{ group: 'g', retries: -1 }, /retries is -1/],
  [{ group: 'g', deadLetters: 'events' }, /deadLetters is the topic itself/],
])('consume refuses %j, naming the option', async (options, message) => {
  const { open } = await start()
  const millrace = await open()
  expect(() => millrace.consume(events, options, () => undefined)).toThrow(message)
})
