import { MillraceError } from '../platform/index.ts'
import { deadLetterTopicConfigs } from './dead-letters.ts'
import type { StreamKafka } from './kafka-ports.ts'

/** Made where it is missing; one that is there is used as it is. */
export async function ensureDeadLetterTopic(kafka: StreamKafka, name: string): Promise<void> {
  try {
    await kafka.admin.createTopics([{ name, partitions: 1, configs: { ...deadLetterTopicConfigs } }])
  } catch (error) {
    if (error instanceof MillraceError && error.details.errorName === 'TOPIC_ALREADY_EXISTS') return
    throw error
  }
}
