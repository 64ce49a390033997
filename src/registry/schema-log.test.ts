import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { connectKafka, type KafkaClient, type Producer, type TopicReader } from '../kafka-client/index.ts'
import { MillraceError, Releasers, silentLogger, systemClock } from '../platform/index.ts'
import { SchemaLog } from './schema-log.ts'
import { SchemaRegistry } from './schema-registry.ts'

/**
 * A Kafka whose first acknowledgement is lost, and whose reader brings nothing after it before the next record is sent or somebody asks
 * for the topic's end anew.
 */
function losingAcknowledgement(kafka: KafkaClient): KafkaClient {
  const goesOn = Promise.withResolvers<void>()
  let held: Promise<void> = Promise.resolve()
  let sent = 0
  const producer = (given: Producer): Producer => ({
    send: async (records) => {
      if (++sent > 1) {
        goesOn.resolve()
        return given.send(records)
      }
      held = goesOn.promise
      await given.send(records)
      throw new MillraceError('TIMED_OUT', 'The broker did not acknowledge in time.')
    },
    flush: () => given.flush(),
    close: (options) => given.close(options),
    [Symbol.asyncDispose]: () => given.close(),
  })
  return {
    ...cutOffKafka(kafka, () => held),
    admin: {
      ...kafka.admin,
      listOffsets: (partitions, at) => {
        if (sent > 0) goesOn.resolve()
        return kafka.admin.listOffsets(partitions, at)
      },
    },
    producer: (options) => producer(kafka.producer(options)),
  }
}

/** A Kafka whose readers bring what they read when `held` allows it. */
function cutOffKafka(kafka: KafkaClient, held: () => Promise<void>): KafkaClient {
  const reader = (given: TopicReader): TopicReader => ({
    poll: async (options) => {
      const batches = await given.poll(options)
      await held()
      return batches
    },
    atEnd: () => given.atEnd(),
    positions: () => given.positions(),
    close: () => given.close(),
    [Symbol.asyncDispose]: () => given.close(),
  })
  return {
    admin: kafka.admin,
    producer: (options) => kafka.producer(options),
    reader: (options) => reader(kafka.reader(options)),
    transactionalProducer: (options) => kafka.transactionalProducer(options),
    consumer: (options) => kafka.consumer(options),
    recordCounter: (topic) => kafka.recordCounter(topic),
    close: (options) => kafka.close(options),
    [Symbol.asyncDispose]: () => kafka.close(),
  }
}

const parts = new Releasers()
let kafka: KafkaClient
beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-schema-log-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  kafka = await connectKafka({ bootstrapServers: [`127.0.0.1:${broker.listeners[0]?.port}`], clientId: 'schema-log-test' })
  parts.add('kafka', () => kafka.close())
})
afterAll(() => parts.close())

it('an empty topic is not waited for', async () => {
  const goesOn = Promise.withResolvers<void>()
  const log = await SchemaLog.open(
    cutOffKafka(kafka, () => goesOn.promise),
    { clock: systemClock, log: silentLogger },
  )
  expect(log.state.level('any')).toBeNull()
  goesOn.resolve()
  await log.close()
})

it('a schema whose acknowledgement was lost keeps its id: the next one gets another', async () => {
  const log = await SchemaLog.open(losingAcknowledgement(kafka), { clock: systemClock, log: silentLogger })
  parts.add('log', () => log.close())
  const registry = new SchemaRegistry(log)
  const [lost, next] = await Promise.allSettled([
    registry.register('a-value', { schema: '"string"', references: [] }),
    registry.register('b-value', { schema: '"long"', references: [] }),
  ])
  expect(lost).toMatchObject({ status: 'rejected', reason: { code: 'TIMED_OUT' } })
  expect(next).toEqual({ status: 'fulfilled', value: 2 })
  expect([log.state.content(1)?.schema, log.state.content(2)?.schema]).toEqual(['"string"', '"long"'])
})

it('a change that cannot be read back ends, and counts once it is read', async () => {
  const goesOn = Promise.withResolvers<void>()
  let held: Promise<void> = Promise.resolve()
  const cutOff = cutOffKafka(kafka, () => held)
  // Time that passes at once.
  const clock = { ...systemClock, after: (_: number, callback: () => void) => systemClock.after(0, callback) }
  const log = await SchemaLog.open(cutOff, { clock, log: silentLogger })
  parts.add('log', () => log.close())
  const registry = new SchemaRegistry(log)
  held = goesOn.promise
  await expect(registry.setLevel('cut-off', 'FULL')).rejects.toMatchObject({ code: 'TIMED_OUT' })
  expect(log.state.level('cut-off')).toBeNull()
  goesOn.resolve()
  await expect.poll(() => log.state.level('cut-off')).toBe('FULL')
})
