import type { Command } from 'commander'
import type { Admin, ConfigEntry, KafkaClient } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { confirmed } from '../confirm.ts'
import { findTopic, type TopicMetadata } from '../find-topic.ts'
import type { WithContext } from '../main.ts'
import { configOption, repeated, wholeNumberOption } from '../options.ts'
import { counted, numeral } from '../output.ts'
import { addTopicChanges } from './topic-changes.ts'

export function addTopicCommands(program: Command, context: WithContext): void {
  const topics = program.command('topics').description('list, describe, create, alter and delete topics')
  topics
    .command('list', { isDefault: true })
    .description('list topics with their partitions and the offsets in use: records, and what transactions and compaction left of them')
    .option('--internal', 'internal topics as well')
    .action(async ({ internal }: { internal?: boolean }) => {
      const { output, withKafka } = context()
      const rows = await withKafka((kafka) => listTopics(kafka, internal ?? false))
      output.data(rows)
      output.table(
        ['TOPIC', 'PARTITIONS', 'OFFSETS'],
        rows.map((row) => [row.topic, row.partitions, row.records]),
      )
    })
  topics
    .command('describe <topic>')
    .description("a topic's partitions, where they are and what they hold, and its own configs")
    .action(async (name: string) => {
      const { output, withKafka } = context()
      const topic = await withKafka(({ admin }) => describeTopic(admin, name))
      output.data(topic)
      const [first] = topic.partitions
      const sizes = [
        counted(topic.partitions.length, 'partition'),
        counted(first?.replicas.length ?? 0, 'replica'),
        counted(total(topic.partitions), 'offset'),
      ]
      output.line(`${topic.topic} · ${sizes.join(' · ')} · id ${topic.topicId}`)
      for (const [key, { value }] of Object.entries(topic.configs)) output.line(`  ${key}=${value}`)
      output.table(
        ['PARTITION', 'LEADER', 'REPLICAS', 'IN SYNC', 'FIRST OFFSET', 'END OFFSET', 'OFFSETS'],
        topic.partitions.map((each) => [
          each.partition,
          each.leader < 0 ? 'none' : each.leader,
          each.replicas.join(','),
          each.isr.join(','),
          each.earliest,
          each.latest,
          numeral(each.latest - each.earliest),
        ]),
        ['PARTITION', 'LEADER', 'FIRST OFFSET', 'END OFFSET', 'OFFSETS'],
      )
    })
  addChanges(topics, context)
  addTopicChanges(topics, context)
}

interface CreateOptions {
  partitions: string
  replicationFactor?: string
  config: string[]
}

function addChanges(topics: Command, context: WithContext): void {
  topics
    .command('create <topic>')
    .description('create a topic')
    .option('--partitions <n>', 'how many', '1')
    .option('--replication-factor <n>', "copies of each partition (default: the cluster's)")
    .option('--config <name=value>', 'a config of the topic; may be repeated', repeated, [])
    .action(async (name: string, options: CreateOptions) => {
      const { output, withKafka } = context()
      const { replicationFactor } = options
      const topic = {
        name,
        partitions: wholeNumberOption('--partitions', options.partitions),
        ...(replicationFactor === undefined ? {} : { replicationFactor: wholeNumberOption('--replication-factor', replicationFactor) }),
        configs: Object.fromEntries(options.config.map((text) => configOption('--config', text))),
      }
      const [made] = await withKafka(({ admin }) => admin.createTopics([topic]))
      if (made?.created !== true)
        throw new MillraceError('ALREADY_EXISTS', `Topic "${name}" is there already: see "millrace topics describe ${name}".`)
      output.data({ topic: name, created: true })
      output.line(`${name} created, ${counted(topic.partitions, 'partition')}`)
    })
  topics
    .command('delete <topics...>')
    .description('delete topics and their records; asks unless --yes')
    .option('-y, --yes', 'without asking')
    .action(async (names: string[], { yes }: { yes?: boolean }) => {
      const { output, withKafka } = context()
      await withKafka(async ({ admin }) => {
        const all = (await admin.metadata()).topics
        // All are looked for before one is deleted: a slip of the pen deletes nothing.
        const found = names.map((name) => findTopic(all, name))
        const records = total((await Promise.all(found.map((topic) => offsetsOf(admin, topic)))).flat())
        if (yes !== true && !(await confirmed(`Delete ${names.join(', ')} with ${counted(records, 'record')}?`)))
          return output.line('nothing deleted')
        const deleted = await admin.deleteTopics(names)
        output.data(deleted.map(({ name, deleted: done }) => ({ topic: name, deleted: done })))
        for (const each of deleted) output.line(`${each.name} ${each.deleted ? 'deleted' : 'was gone already'}`)
      })
    })
}

interface PartitionOffsets {
  partition: number
  earliest: bigint
  latest: bigint
}

async function listTopics({ admin }: KafkaClient, internal: boolean): Promise<{ topic: string; partitions: number; records: string }[]> {
  const { topics } = await admin.metadata()
  const shown = topics
    .filter((topic) => internal || (!topic.internal && !topic.name.startsWith('__')))
    .toSorted((a, b) => a.name.localeCompare(b.name))
  const partitions = shown.flatMap((topic) => topic.partitions.map(({ partition }) => ({ topic: topic.name, partition })))
  const [earliest, latest] = await Promise.all([admin.listOffsets(partitions, 'earliest'), admin.listOffsets(partitions, 'latest')])
  const sum = (offsets: typeof latest, topic: string): bigint =>
    offsets.reduce((sofar, each) => (each.topic === topic ? sofar + each.offset : sofar), 0n)
  return shown.map(({ name, partitions: { length } }) => ({
    topic: name,
    partitions: length,
    records: String(sum(latest, name) - sum(earliest, name)),
  }))
}

async function describeTopic(
  admin: Admin,
  name: string,
): Promise<{
  topic: string
  topicId: string
  partitions: (TopicMetadata['partitions'][number] & PartitionOffsets)[]
  /** Those that differ from the defaults. */
  configs: Record<string, ConfigEntry>
}> {
  const topic = findTopic((await admin.metadata([name])).topics, name)
  const [offsets, configs] = await Promise.all([offsetsOf(admin, topic), admin.describeConfigs(name)])
  return {
    topic: name,
    topicId: topic.topicId,
    partitions: topic.partitions.flatMap((each) => {
      const found = offsets.find(({ partition }) => partition === each.partition)
      return found === undefined ? [] : [{ ...each, ...found }]
    }),
    configs: Object.fromEntries(Object.entries(configs).filter(([, { source }]) => source === 'DYNAMIC_TOPIC_CONFIG')),
  }
}

async function offsetsOf(admin: Admin, { name, partitions }: TopicMetadata): Promise<PartitionOffsets[]> {
  const asked = partitions.map(({ partition }) => ({ topic: name, partition }))
  const [earliest, latest] = await Promise.all([admin.listOffsets(asked, 'earliest'), admin.listOffsets(asked, 'latest')])
  return latest.map(({ partition, offset }) => ({
    partition,
    earliest: earliest.find((each) => each.partition === partition)?.offset ?? 0n,
    latest: offset,
  }))
}

function total(partitions: readonly PartitionOffsets[]): bigint {
  return partitions.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0n)
}
