import kafkajs from 'kafkajs'
import { inCalls, value, type Client } from './client.ts'

export const client: Client = {
  produce: async ({ bootstrapServers, topic, records }) => {
    const producer = newKafkaJs(bootstrapServers).producer()
    await producer.connect()
    await inCalls(records, (count) => producer.send({ topic, messages: Array.from({ length: count }, () => ({ value })), acks: -1 }))
    await producer.disconnect()
  },
  consume: async ({ bootstrapServers, topic, records }, seen) => {
    const consumer = newKafkaJs(bootstrapServers).consumer({ groupId: 'bench-kafkajs' })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let left = records
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch: { messages } }) => {
        for (const message of messages) if (message.value?.length !== value.length) reject(new Error('a value is not what was written'))
        seen(messages.length)
        left -= messages.length
        if (left <= 0) resolve()
        return Promise.resolve()
      },
    })
    await promise
    await consumer.disconnect()
  },
}

function newKafkaJs(bootstrapServers: string): kafkajs.Kafka {
  return new kafkajs.Kafka({ clientId: 'bench', brokers: [bootstrapServers], logLevel: kafkajs.logLevel.ERROR })
}
