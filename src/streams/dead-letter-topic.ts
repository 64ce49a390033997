import { deadLetterTopicConfigs, names } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { StreamKafka } from './kafka-ports.ts'

/** Where records go that fail, and where they come back. Made where they are missing; those that are there are used as they are. */
export async function ensureDeadLetterTopics(kafka: StreamKafka, project: string, stream: string): Promise<void> {
  for (const name of [names.deadLetters(project, stream), names.retry(project, stream)]) await ensureTopic(kafka, name)
}

async function ensureTopic(kafka: StreamKafka, name: string): Promise<void> {
  try {
    await kafka.admin.createTopics([{ name, partitions: 1, configs: { ...deadLetterTopicConfigs } }])
  } catch (error) {
    if (error instanceof MillraceError && error.details.errorName === 'TOPIC_ALREADY_EXISTS') return
    throw error
  }
}
