import { errorCodes } from '../../kafka-wire/index.ts'
import type { Topic, Topics } from '../topics/topics.ts'

/** A topic of a request: by its id from a certain version of each request on (KIP-516), before by its name. */
export interface NamedTopic {
  readonly name: string
  readonly topicId: string
}

/** The topic that is meant, and what to answer where there is none: an id of a topic that was deleted is nobody's ever after. */
export function topicOf(topics: Topics, byId: boolean, { name, topicId }: NamedTopic): { topic: Topic | undefined; unknown: number } {
  return byId
    ? { topic: topics.byId(topicId), unknown: errorCodes.UNKNOWN_TOPIC_ID }
    : { topic: topics.get(name), unknown: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
}
