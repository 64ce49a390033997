import { apis, errorCodes } from '../../kafka-wire/index.ts'
import type { Handler, RequestContext } from '../requests/handler.ts'

/** An error by its name in Kafka's table, e.g. `NOT_LEADER_OR_FOLLOWER`. */
export type KafkaErrorName = Exclude<keyof typeof errorCodes, 'NONE'>

/** A request as an interceptor is told of it. */
export interface InterceptedRequest {
  /** Kafka's name of the request: `Produce`, `Fetch`, … */
  readonly api: string
  readonly version: number
  readonly clientId: string
  /** The topics it names; an incremental fetch (KIP-227) names those alone that changed. */
  readonly topics: readonly string[]
}

/**
 * What becomes of a request in place of its answer: an error (of those in `refusableRequests`), the end of its connection, or
 * the same answer later (requests behind it on the connection wait, as Kafka's do).
 */
export type Interception = { is: 'error'; error: KafkaErrorName } | { is: 'disconnect' } | { is: 'delay'; delayMs: number }

/** Asked before each request is carried out; null lets it pass. For tests of clients. */
export type RequestInterceptor = (request: InterceptedRequest) => Interception | null

export function describeRequest({ key, name }: Handler, body: Uint8Array, context: RequestContext): InterceptedRequest {
  const { apiVersion, clientId, broker } = context
  const decoded = apis.get(key)?.request.decode(apiVersion, body)
  const topics = decoded?.ok ? topicsIn(decoded.body, (id) => broker.topics.byId(id)?.name) : []
  return { api: name, version: apiVersion, clientId, topics: [...new Set(topics)] }
}

/** The names of topics in a request of any kind: the elements of its arrays of topics, by name or by id. */
function topicsIn(body: unknown, nameOf: (id: string) => string | undefined): string[] {
  if (typeof body !== 'object' || body === null) return []
  return Object.entries(body).flatMap(([field, value]) => {
    if (!Array.isArray(value)) return []
    const isOfTopics = /topic/i.test(field)
    return value.flatMap((element: unknown) => (isOfTopics ? topicOf(element, nameOf) : topicsIn(element, nameOf)))
  })
}

function topicOf(element: unknown, nameOf: (id: string) => string | undefined): string[] {
  if (typeof element === 'string') return [element]
  if (typeof element !== 'object' || element === null) return []
  const text = (field: string): string | undefined => {
    const value: unknown = Object.entries(element).find(([name]) => name === field)?.[1]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const id = text('topicId')
  const name = text('name') ?? text('topic') ?? (id === undefined ? undefined : nameOf(id))
  return name === undefined ? [] : [name]
}
