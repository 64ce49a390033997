import { connectKafka } from '../../src/kafka-client/index.ts'
import { inCalls, value, type Client } from './client.ts'

export const client: Client = {
  produce: async ({ bootstrapServers, topic, records }) => {
    await using kafka = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'bench' })
    const producer = kafka.producer({ compression: 'none' })
    await inCalls(records, (count) => producer.send(Array.from({ length: count }, () => ({ topic, key: null, value }))))
  },
  consume: async ({ bootstrapServers, topic, records }, seen) => {
    await using kafka = await connectKafka({ bootstrapServers: [bootstrapServers], clientId: 'bench' })
    const consumer = kafka.consumer({ groupId: 'bench-millrace', topics: [topic], startingOffsets: 'earliest' })
    for (let left = records; left > 0;) {
      for (const { count, bytes, valueAt } of await consumer.poll()) {
        let length = 0
        for (let i = 0; i < count; i++) length += bytes.subarray(valueAt[2 * i], valueAt[2 * i + 1]).length
        if (length !== count * value.length) throw new Error('a value is not what was written')
        left -= count
        seen(count)
      }
    }
  },
}
