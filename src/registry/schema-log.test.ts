import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { connectKafka, type KafkaClient, type Producer, type TopicReader } from '../kafka-client/index.ts'
import { MillraceError, Releasers, silentLogger, systemClock } from '../platform/index.ts'
import { SchemaLog } from './schema-log.ts'
import { SchemaRegistry } from './schema-registry.ts'

/**
 * A Kafka whose first acknowledgement is lost, and whose reader brings nothing after it before the next record is sent or somebody asks
 * for the topic's end.
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
  const reader = (given: TopicReader): TopicReader => ({
    poll: async (options) => {
      const batches = await given.poll(options)
      await held
      return batches
    },
    atEnd: () => given.atEnd(),
    positions: () => given.positions(),
    close: () => given.close(),
    [Symbol.asyncDispose]: () => given.close(),
  })
  return {
    admin: {
      ...kafka.admin,
      listOffsets: (partitions, at) => {
        goesOn.resolve()
        return kafka.admin.listOffsets(partitions, at)
      },
    },
    producer: (options) => producer(kafka.producer(options)),
    reader: (options) => reader(kafka.reader(options)),
    transactionalProducer: (options) => kafka.transactionalProducer(options),
    consumer: (options) => kafka.consumer(options),
    close: (options) => kafka.close(options),
    [Symbol.asyncDispose]: () => kafka.close(),
  }
}

it('a schema whose acknowledgement was lost keeps its id: the next one gets another', async () => {
  await using parts = new Releasers()
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-schema-log-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  const kafka = await connectKafka({ bootstrapServers: [`127.0.0.1:${broker.listeners[0]?.port}`], clientId: 'schema-log-test' })
  parts.add('kafka', () => kafka.close())
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
