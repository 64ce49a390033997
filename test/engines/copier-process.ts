import { connectKafka } from '../../src/kafka-client/index.ts'
import { copyTopic } from './transaction-copier.ts'

/** A copier in a process of its own, for tests that kill it: `<servers> <from> <to> <count>`. */
const [, , servers = '', from = '', to = '', count = '0'] = process.argv
await using kafka = await connectKafka({ bootstrapServers: [servers], clientId: 'copier' })
await copyTopic(kafka, { from, to, name: 'copier', maxBytes: 16_384 }, Number(count))
