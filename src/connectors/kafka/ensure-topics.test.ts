import { describe, expect, test } from 'vitest'
import type { NewTopic } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { defaultTopicPolicy, ensureTopics, missingTopicsError, topicMaker, wantedTopic, type TopicAdmin } from './ensure-topics.ts'

const users = { name: 'users', partitions: 6, configs: { 'cleanup.policy': 'compact' } }

/** A cluster with one topic, and what it answers when a topic is created. */
function cluster(options: { refuse?: (topic: NewTopic) => string | null; replicas?: number; minIsr?: string } = {}): {
  admin: TopicAdmin
  created: NewTopic[]
} {
  const { refuse = () => null, replicas = 1, minIsr = '1' } = options
  const created: NewTopic[] = []
  const nodes = Array.from({ length: replicas }, (_, i) => i + 1)
  const admin: TopicAdmin = {
    metadata: (names) =>
      Promise.resolve({
        clusterId: 'c',
        controllerId: 1,
        brokers: [{ nodeId: 1, host: 'k1', port: 9092 }],
        topics: (names ?? []).map((name) => ({
          name,
          topicId: '',
          internal: false,
          error: name === 'there' ? null : 'UNKNOWN_TOPIC_OR_PARTITION',
          partitions: name === 'there' ? [{ partition: 0, leader: 1, replicas: nodes, isr: nodes }] : [],
        })),
      }),
    createTopics: (topics) => {
      for (const topic of topics) {
        const errorName = refuse(topic)
        if (errorName !== null)
          return Promise.reject(new MillraceError('KAFKA', `the broker answered ${errorName}`, { details: { errorName } }))
        created.push(topic)
      }
      return Promise.resolve(topics.map(({ name }) => ({ name, created: true })))
    },
    describeConfigs: () => Promise.resolve({ 'min.insync.replicas': { value: minIsr, source: 'DEFAULT_CONFIG', isDefault: true } }),
  }
  return { admin, created }
}

describe('topics', () => {
  test('that are missing are made with the replicas and configs that hold for all', async () => {
    const { admin, created } = cluster()
    const policy = { ...defaultTopicPolicy, replicationFactor: 3, minInsyncReplicas: 2, configs: { 'retention.ms': '1' } }
    const def = { ...users, schema: 'User', key: [], format: 'json' } as const
    const topics = [wantedTopic({ ...def, key: [], configs: users.configs }, policy), { ...users, name: 'few', replicationFactor: 1 }]
    expect((await ensureTopics(admin, topics, policy)).made).toEqual(['topic users (6 partitions)', 'topic few (6 partitions)'])
    expect(created).toEqual([
      {
        name: 'users',
        partitions: 6,
        replicationFactor: 3,
        configs: { 'retention.ms': '1', 'cleanup.policy': 'compact', 'min.insync.replicas': '2' },
      },
      { name: 'few', partitions: 6, replicationFactor: 1, configs: { 'cleanup.policy': 'compact', 'min.insync.replicas': '2' } },
    ])
  })

  test('have the cluster’s own number of replicas where nobody says one', async () => {
    const { admin, created } = cluster()
    await ensureTopics(admin, [users])
    expect(created).toMatchObject([{ replicationFactor: -1, configs: users.configs }])
  })

  test('have as many replicas on one node as there can be, whatever is asked for', async () => {
    const { admin, created } = cluster()
    const topic = { ...users, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }
    await ensureTopics(admin, [topic], { ...defaultTopicPolicy, mostReplicas: 1 })
    expect(created).toMatchObject([{ replicationFactor: 1, configs: { 'min.insync.replicas': '1' } }])
  })

  test('that are there are used as they are, and told where they differ', async () => {
    const { admin, created } = cluster({ refuse: () => 'CLUSTER_AUTHORIZATION_FAILED' })
    const wanted = { name: 'there', partitions: 2, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }
    expect(await ensureTopics(admin, [wanted], { ...defaultTopicPolicy, create: 'never' })).toEqual({
      made: [],
      missing: [],
      standing: [{ name: 'there', topicId: null }],
      warnings: ['topic there is there with 1 partitions, not 2, 1 replicas, not 3, min.insync.replicas 1, not 2; it is used as it is'],
    })
    expect(created).toEqual([])
  })

  test.each(['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'POLICY_VIOLATION'])(
    'that may not be made (%s) are told all at once, each with its command',
    async (errorName) => {
      const { admin } = cluster({ refuse: () => errorName })
      const { missing } = await ensureTopics(admin, [
        { ...users, replicationFactor: 3 },
        { ...users, name: 'p.s.dlq', partitions: 1 },
      ])
      expect(missing.map(({ command }) => command)).toEqual([
        'kafka-topics.sh --bootstrap-server k1:9092 --command-config admin.properties --create --if-not-exists --topic users --partitions 6 --replication-factor 3 --config cleanup.policy=compact',
        'kafka-topics.sh --bootstrap-server k1:9092 --command-config admin.properties --create --if-not-exists --topic p.s.dlq --partitions 1 --config cleanup.policy=compact',
      ])
      expect(missingTopicsError(missing).message).toMatch(/users, p\.s\.dlq .*answered .*kafka-topics\.sh/)
    },
  )

  test('are never tried to be made where nobody wants that', async () => {
    const { admin, created } = cluster()
    const { missing } = await ensureTopics(admin, [users], { ...defaultTopicPolicy, create: 'never' })
    expect(created).toEqual([])
    expect(missing[0]?.error.message).toBe(`Topic "users": it does not exist, and kafka.create is 'never'.`)
  })

  test('are made without configs they can do without, where the cluster does not take those', async () => {
    const { admin, created } = cluster({ refuse: ({ configs }) => (configs && 'max.message.bytes' in configs ? 'INVALID_CONFIG' : null) })
    const topic = { ...users, configs: { 'retention.ms': '-1', 'max.message.bytes': '9' }, niceToHave: ['max.message.bytes'] }
    expect((await ensureTopics(admin, [topic])).missing).toEqual([])
    expect(created).toMatchObject([{ configs: { 'retention.ms': '-1' } }])
  })

  test('wait for a cluster that is away: its error is no refusal', async () => {
    const { admin } = cluster()
    const away = new MillraceError('UNREACHABLE', 'away')
    await expect(ensureTopics({ ...admin, createTopics: () => Promise.reject(away) }, [users])).rejects.toBe(away)
  })

  test('that a stream or source makes for itself are refused with the command', async () => {
    const { admin } = cluster({ refuse: () => 'TOPIC_AUTHORIZATION_FAILED' })
    await expect(topicMaker(admin, defaultTopicPolicy)([users])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      retriable: false,
      details: { topics: 'users', commands: expect.stringContaining('--topic users') },
    })
  })
})
