import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { inCalls, value, type Client } from './client.ts'

export const client: Client = {
  produce: async ({ bootstrapServers, topic, records }) => {
    const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [bootstrapServers] })
    await inCalls(records, (count) => producer.send({ messages: Array.from({ length: count }, () => ({ topic, value })), acks: -1 }))
    await producer.close()
  },
  consume: async ({ bootstrapServers, topic, records }, seen) => {
    const consumer = new Consumer({ clientId: 'bench', groupId: 'bench-platformatic', bootstrapBrokers: [bootstrapServers] })
    // Its default of 10 MiB a fetch costs it six times as much.
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, maxBytes: 1 << 20, autocommit: false })
    let left = records
    for await (const message of stream) {
      if (message.value.length !== value.length) throw new Error('a value is not what was written')
      seen(1)
      if (--left === 0) break
    }
    await stream.close()
    await consumer.close()
  },
}
