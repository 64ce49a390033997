import type { Command } from 'commander'
import type { Admin } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { confirmed } from '../confirm.ts'
import { findTopic } from '../find-topic.ts'
import type { WithContext } from '../main.ts'
import { configOption, repeated, wholeNumberOption } from '../options.ts'
import { numeral } from '../output.ts'

/** What changes a topic that is there. */
export function addTopicChanges(topics: Command, context: WithContext): void {
  topics
    .command('alter <topic>')
    .description('more partitions, other configs')
    .option('--partitions <n>', 'how many it is to have, more than now; keys go to other partitions from then on')
    .option('--config <name=value>', 'set a config; may be repeated', repeated)
    .option('--default <name>', 'take a config back to its default; may be repeated', repeated)
    .action(async (name: string, options: { partitions?: string; config?: string[]; default?: string[] }) => {
      const { output, withKafka } = context()
      const partitions = options.partitions === undefined ? null : wholeNumberOption('--partitions', options.partitions)
      const configs = Object.fromEntries((options.config ?? []).map((text) => configOption('--config', text)))
      const changes = { ...configs, ...Object.fromEntries((options.default ?? []).map((config) => [config, null])) }
      if (partitions === null && Object.keys(changes).length === 0)
        throw new MillraceError('BAD_REQUEST', 'Say what to change: --partitions, --config or --default.')
      await withKafka(async ({ admin }) => {
        findTopic((await admin.metadata([name])).topics, name)
        if (Object.keys(changes).length > 0) await admin.alterConfigs(name, changes)
        if (partitions !== null) await admin.createPartitions([{ name, partitions }])
      })
      output.data({ topic: name, ...(partitions === null ? {} : { partitions }), configs: changes })
      output.line(`${name} altered`)
    })
  topics
    .command('delete-records <topic>')
    .description('delete the oldest records of a topic; asks unless --yes')
    .option('--partition <n>', 'of this partition alone; may be repeated', repeated)
    .option('--before-offset <n>', 'those below this offset (default: all)')
    .option('--before-time <time>', 'those older than this time, as 2026-01-31T12:00:00Z')
    .option('-y, --yes', 'without asking')
    .action(async (name: string, options: DeleteRecordsOptions) => {
      const { output, withKafka } = context()
      await withKafka(async ({ admin }) => {
        const asked = await deletionsOf(admin, name, options)
        const question = `Delete ${numeral(asked.reduce((sum, { records }) => sum + records, 0n))} records of ${name}?`
        if (options.yes !== true && !(await confirmed(question))) return output.line('nothing deleted')
        const deleted = await admin.deleteRecords(asked)
        output.data(deleted)
        output.table(
          ['PARTITION', 'FIRST OFFSET'],
          deleted.map(({ partition, earliest }) => [partition, earliest]),
          ['PARTITION', 'FIRST OFFSET'],
        )
      })
    })
}

interface DeleteRecordsOptions {
  partition?: string[]
  beforeOffset?: string
  beforeTime?: string
  yes?: boolean
}

async function deletionsOf(admin: Admin, topic: string, { partition, beforeOffset, beforeTime }: DeleteRecordsOptions) {
  if (beforeOffset !== undefined && beforeTime !== undefined)
    throw new MillraceError('BAD_REQUEST', 'Give --before-offset or --before-time, not both.')
  const { partitions } = findTopic((await admin.metadata([topic])).topics, topic)
  const wanted = partition?.map((text) => wholeNumberOption('--partition', text, 0))
  for (const each of wanted ?? [])
    if (!partitions.some((found) => found.partition === each)) throw new MillraceError('NOT_FOUND', `${topic} has no partition ${each}.`)
  const all = partitions.map((found) => ({ topic, partition: found.partition })).filter((each) => wanted?.includes(each.partition) ?? true)
  const at = beforeTime === undefined ? 'latest' : { timestampMs: timeOf('--before-time', beforeTime) }
  const [earliest, latest] = await Promise.all([admin.listOffsets(all, 'earliest'), admin.listOffsets(all, at)])
  return latest.map((found) => {
    const begin = earliest.find((each) => each.partition === found.partition)?.offset ?? 0n
    const offset = beforeOffset === undefined ? found.offset : BigInt(wholeNumberOption('--before-offset', beforeOffset, 0))
    return { topic, partition: found.partition, offset, records: offset > begin ? offset - begin : 0n }
  })
}

/** Milliseconds since 1970. @throws MillraceError BAD_REQUEST */
export function timeOf(option: string, text: string): number {
  const timestampMs = Date.parse(text)
  if (Number.isFinite(timestampMs)) return timestampMs
  throw new MillraceError('BAD_REQUEST', `${option} ${text}: write a time as 2026-01-31T12:00:00Z.`)
}
