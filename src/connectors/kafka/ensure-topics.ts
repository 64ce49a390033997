import { deadLetterTopicConfigs, type TopicDef, type TopicPolicy } from '../../core/index.ts'
import type { Admin } from '../../kafka-client/index.ts'
import { MillraceError, type Logger } from '../../platform/index.ts'
import { createCommand } from './create-command.ts'

/** A topic as it should be made. */
export interface WantedTopic {
  name: string
  partitions: number
  configs: Readonly<Record<string, string>>
  /** Instead of the policy's. */
  replicationFactor?: number
  /** Configs that the topic can do without: left out where the cluster does not know or allow them. */
  niceToHave?: readonly string[]
}

export interface MissingTopic {
  name: string
  /** Why it was not made. */
  error: MillraceError
  /** What an administrator runs. */
  command: string
}

export interface EnsuredTopics {
  made: string[]
  /** How topics that are there differ from what is wanted. */
  warnings: string[]
  missing: MissingTopic[]
  /** Those that were there before. */
  standing: StandingTopic[]
}

/** A topic that is wanted, and how it stands. */
export interface TopicLook {
  topic: PlannedTopic
  /** Null: it is not there. */
  standing: StandingTopic | null
  /** How it differs from what is wanted. */
  warnings: string[]
  /** Why a missing one may not be made; null: it may. */
  refusal: MillraceError | null
  /** What an administrator would run to make it. */
  command: string
}

/** A topic as it stands in the cluster. */
export interface StandingTopic {
  name: string
  /** Null: the cluster has no topic ids (before Kafka 2.8). */
  topicId: string | null
}

export type TopicAdmin = Pick<Admin, 'metadata' | 'createTopics' | 'describeConfigs'>

const minIsrConfig = 'min.insync.replicas'

export const defaultTopicPolicy: TopicPolicy = { create: 'auto', replicationFactor: -1, minInsyncReplicas: null, configs: {} }

/** Refusals that no waiting cures: somebody else has to make the topic, or allow it. */
const refusals = new Set(['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'POLICY_VIOLATION'])
const unfit = new Set(['INVALID_CONFIG', 'POLICY_VIOLATION'])

/**
 * Sees to it that topics are there, by the least that is needed: those that are there are used as they are, and no right is
 * asked for that is not needed. All that cannot be made are told at once. Throws a retriable error while Kafka is away.
 */
export async function ensureTopics(
  admin: TopicAdmin,
  wanted: readonly WantedTopic[],
  policy: TopicPolicy = defaultTopicPolicy,
  log?: Logger,
): Promise<EnsuredTopics> {
  const result: EnsuredTopics = { made: [], warnings: [], missing: [], standing: [] }
  for (const { topic, standing, warnings, refusal, command } of await lookAtTopics(admin, wanted, policy)) {
    result.warnings.push(...warnings)
    if (standing !== null) {
      result.standing.push(standing)
      continue
    }
    const error = refusal ?? (await create(admin, topic, result, log))
    if (error !== null) result.missing.push({ name: topic.name, error, command })
  }
  return result
}

/** How the wanted topics stand; nothing is made. Throws a retriable error while Kafka is away. */
export async function lookAtTopics(
  admin: Pick<TopicAdmin, 'metadata' | 'describeConfigs'>,
  wanted: readonly WantedTopic[],
  policy: TopicPolicy = defaultTopicPolicy,
): Promise<TopicLook[]> {
  const { topics, brokers } = await admin.metadata(wanted.map((topic) => topic.name))
  return Promise.all(
    wanted.map(async (each) => {
      const topic = withPolicy(each, policy)
      const found = topics.find(({ name }) => name === topic.name)
      const isThere = found?.error === null
      return {
        topic,
        standing: isThere ? standingTopic(found) : null,
        warnings: isThere ? await differences(admin, topic, found.partitions) : [],
        refusal: !isThere && policy.create === 'never' ? notThere(topic.name, found?.error ?? null) : null,
        command: createCommand(topic, brokers),
      }
    }),
  )
}

export function standingTopic({ name, topicId }: { name: string; topicId: string }): StandingTopic {
  return { name, topicId: /^[0A-]*$/.test(topicId) ? null : topicId }
}

/** One of the project's own topics, with the configs that hold for all of them. */
export function wantedTopic(
  { name, partitions, configs, replicationFactor }: TopicDef,
  policy: TopicPolicy = defaultTopicPolicy,
): WantedTopic {
  const wanted = { name, partitions, configs: { ...policy.configs, ...configs } }
  return replicationFactor === undefined ? wanted : { ...wanted, replicationFactor }
}

/** A topic for records that failed. */
export function deadLetterTopic(name: string): WantedTopic {
  // Managed clusters cap the one, brokers before 3.6 do not know the other.
  const niceToHave = ['max.message.bytes', 'message.timestamp.after.max.ms']
  return { name, partitions: 1, configs: deadLetterTopicConfigs, niceToHave }
}

/** What a missing topic means to somebody who cannot go on without it: what is missing, why, and what to run. */
export function missingTopicsError(missing: readonly MissingTopic[]): MillraceError {
  const [first] = missing
  const which = missing.map(({ name }) => name).join(', ')
  const commands = missing.map(({ command }) => command).join(' ; ')
  const why = first?.error.message ?? ''
  return new MillraceError('NOT_FOUND', `Topic ${which} is not there and was not made. ${why} An administrator can run: ${commands}`, {
    cause: first?.error,
    details: { topics: which, commands },
  })
}

/** An admin whose `createTopics` keeps to the policy: what rooms below ask for is made as everything else is, or refused as it is. */
export function topicMaker(admin: TopicAdmin, policy: TopicPolicy | undefined): (topics: readonly WantedTopic[]) => Promise<void> {
  return async (topics) => {
    const { missing } = await ensureTopics(admin, topics, policy)
    if (missing.length > 0) throw missingTopicsError(missing)
  }
}

/** A topic with nothing left open but what the cluster decides (replication factor −1). */
export type PlannedTopic = Required<WantedTopic>

function withPolicy(topic: WantedTopic, policy: TopicPolicy): PlannedTopic {
  const { minInsyncReplicas, mostReplicas = Infinity } = policy
  const minIsr = topic.configs[minIsrConfig] ?? (minInsyncReplicas === null ? null : String(minInsyncReplicas))
  return {
    ...topic,
    replicationFactor: Math.min(topic.replicationFactor ?? policy.replicationFactor, mostReplicas),
    configs: minIsr === null ? topic.configs : { ...topic.configs, [minIsrConfig]: String(Math.min(Number(minIsr), mostReplicas)) },
    niceToHave: topic.niceToHave ?? [],
  }
}

async function create(admin: TopicAdmin, topic: PlannedTopic, result: EnsuredTopics, log?: Logger): Promise<MillraceError | null> {
  const { name, partitions, replicationFactor, configs, niceToHave } = topic
  try {
    const [made] = await admin.createTopics([{ name, partitions, replicationFactor, configs: { ...configs } }])
    if (made?.created) result.made.push(`topic ${name} (${partitions} partitions)`)
    return null
  } catch (error) {
    if (!(error instanceof MillraceError) || error.retriable) throw error
    const { errorName } = error.details
    const [left] = niceToHave
    if (left !== undefined && typeof errorName === 'string' && unfit.has(errorName)) {
      log?.warn(`topic ${name} is made without ${niceToHave.join(', ')}: ${error.message}`)
      const fewer = Object.fromEntries(Object.entries(configs).filter(([key]) => !niceToHave.includes(key)))
      return create(admin, { ...topic, configs: fewer, niceToHave: [] }, result, log)
    }
    if (typeof errorName === 'string' && (refusals.has(errorName) || errorName.startsWith('INVALID_'))) return error
    throw error
  }
}

function notThere(name: string, error: string | null): MillraceError {
  const why = error === null || error === 'UNKNOWN_TOPIC_OR_PARTITION' ? 'it does not exist' : `the broker answered ${error}`
  return new MillraceError('NOT_FOUND', `Topic "${name}": ${why}, and kafka.create is 'never'.`, { details: { topic: name } })
}

/** A topic that differs is used all the same: whoever made it may have had reasons. */
async function differences(
  admin: Pick<TopicAdmin, 'describeConfigs'>,
  topic: PlannedTopic,
  partitions: readonly { replicas: readonly number[] }[],
): Promise<string[]> {
  const found: string[] = []
  if (partitions.length !== topic.partitions) found.push(`${partitions.length} partitions, not ${topic.partitions}`)
  const replicas = Math.min(...partitions.map((each) => each.replicas.length))
  if (topic.replicationFactor > 0 && replicas !== topic.replicationFactor)
    found.push(`${replicas} replicas, not ${topic.replicationFactor}`)
  const minIsr = topic.configs[minIsrConfig]
  if (minIsr !== undefined) {
    // Without the right to read configs there is nothing to compare.
    const configs = await admin.describeConfigs(topic.name).catch(() => null)
    const theirs = configs?.[minIsrConfig]?.value ?? minIsr
    if (theirs !== minIsr) found.push(`${minIsrConfig} ${theirs}, not ${minIsr}`)
  }
  return found.length === 0 ? [] : [`topic ${topic.name} is there with ${found.join(', ')}; it is used as it is`]
}
