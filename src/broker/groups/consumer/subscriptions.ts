import { createHash } from 'node:crypto'
import type { ConsumerMember } from './member.ts'
import { namePattern } from '../../patterns/name-pattern.ts'

/** What groups need to know of a topic. */
export interface TopicView {
  readonly name: string
  readonly id: string
  readonly logs: { readonly length: number }
}

/** … and of all of them. */
export interface TopicsView {
  /** Rises whenever a topic comes, goes or grows. */
  readonly revision: number
  all(): readonly TopicView[]
  get(name: string): TopicView | undefined
  byId(id: string): TopicView | undefined
}

/** The topics behind what members subscribe to. */
export interface Subscriptions {
  /** Topic names by pattern. */
  readonly patterns: ReadonlyMap<string, readonly string[]>
  /** Topics of a member that exist. */
  topicsOf(member: ConsumerMember): TopicView[]
  /** All topics of all members, by name. */
  readonly topics: readonly TopicView[]
  /** Changes with what members subscribe to comes, goes or grows; 0 when there is nothing. */
  readonly hash: bigint
}

export function resolveSubscriptions(members: readonly ConsumerMember[], view: TopicsView): Subscriptions {
  const wanted = new Set(members.flatMap(({ subscribedTopicRegex }) => subscribedTopicRegex || []))
  const patterns = new Map([...wanted].map((pattern) => [pattern, namesMatching(pattern, view)]))
  const namesOf = (member: ConsumerMember): Set<string> =>
    new Set([...member.subscribedTopicNames, ...(patterns.get(member.subscribedTopicRegex) ?? [])])
  const topicsOf = (member: ConsumerMember): TopicView[] => [...namesOf(member)].flatMap((name) => view.get(name) ?? [])
  const topics = [...new Set(members.flatMap(topicsOf))].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { patterns, topicsOf, topics, hash: hashOf(topics) }
}

function namesMatching(pattern: string, view: TopicsView): string[] {
  const outcome = namePattern(pattern)
  if (!outcome.ok) return []
  return view
    .all()
    .map(({ name }) => name)
    .filter((name) => outcome.matches(name))
}

function hashOf(topics: readonly TopicView[]): bigint {
  if (topics.length === 0) return 0n
  const hash = createHash('sha256')
  for (const { name, id, logs } of topics) hash.update(`${name} ${id} ${logs.length}\n`)
  return hash.digest().readBigInt64BE(0)
}
