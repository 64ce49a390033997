import { createHash } from 'node:crypto'
import type { Topic, Topics } from '../../topics/topics.ts'
import type { ConsumerMember } from './member.ts'
import { topicPattern } from './topic-pattern.ts'

/** What groups need to know of topics. */
export type TopicsView = Pick<Topics, 'revision' | 'all' | 'get' | 'byId'>

/** The topics behind what members subscribe to. */
export interface Subscriptions {
  /** Topic names by pattern. */
  readonly patterns: ReadonlyMap<string, readonly string[]>
  /** Topics of a member that exist. */
  topicsOf(member: ConsumerMember): Topic[]
  /** All topics of all members, by name. */
  readonly topics: readonly Topic[]
  /** Changes with what members subscribe to comes, goes or grows; 0 when there is nothing. */
  readonly hash: bigint
}

export function resolveSubscriptions(members: readonly ConsumerMember[], view: TopicsView): Subscriptions {
  const wanted = new Set(members.flatMap(({ subscribedTopicRegex }) => subscribedTopicRegex || []))
  const patterns = new Map([...wanted].map((pattern) => [pattern, namesMatching(pattern, view)]))
  const namesOf = (member: ConsumerMember): Set<string> =>
    new Set([...member.subscribedTopicNames, ...(patterns.get(member.subscribedTopicRegex) ?? [])])
  const topicsOf = (member: ConsumerMember): Topic[] => [...namesOf(member)].flatMap((name) => view.get(name) ?? [])
  const topics = [...new Set(members.flatMap(topicsOf))].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { patterns, topicsOf, topics, hash: hashOf(topics) }
}

function namesMatching(pattern: string, view: TopicsView): string[] {
  const outcome = topicPattern(pattern)
  if (!outcome.ok) return []
  return view
    .all()
    .map(({ name }) => name)
    .filter((name) => outcome.matches(name))
}

function hashOf(topics: readonly Topic[]): bigint {
  if (topics.length === 0) return 0n
  const hash = createHash('sha256')
  for (const { name, id, logs } of topics) hash.update(`${name} ${id} ${logs.length}\n`)
  return hash.digest().readBigInt64BE(0)
}
