import type { ClusterMetadata } from '../kafka-client/index.ts'
import { MillraceError } from '../platform/index.ts'

export type TopicMetadata = ClusterMetadata['topics'][number]

/** @throws NOT_FOUND: asked for what is not there, a client would look for it again and again until its time is up */
export function findTopic(topics: readonly TopicMetadata[], name: string): TopicMetadata {
  const topic = topics.find((each) => each.name === name && each.error === null)
  if (topic) return topic
  throw new MillraceError('NOT_FOUND', `There is no topic "${name}": see "millrace topics list --internal".`)
}
