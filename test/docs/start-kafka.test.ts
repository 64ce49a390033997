import { Kafka, logLevel } from 'kafkajs'
import { startKafka } from 'millrace/testing'
import { expect, test } from 'vitest'

test('a producer gets over a leader that moved', async () => {
  await using kafka = await startKafka({ topics: [{ name: 'orders', partitions: 3 }] })
  const producer = new Kafka({ brokers: [kafka.bootstrapServers], logLevel: logLevel.NOTHING }).producer()
  await producer.connect()

  kafka.failNext('Produce', { error: 'NOT_LEADER_OR_FOLLOWER', topic: 'orders' })
  await producer.send({ topic: 'orders', messages: [{ key: 'a', value: 'paid' }] })
  await producer.disconnect()

  expect(kafka.failuresLeft).toBe(0)
  expect(await kafka.records('orders')).toMatchObject([{ key: 'a', text: 'paid' }])
})
