import type { Command } from 'commander'
import type { Admin, OffsetAt } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { confirmed } from '../confirm.ts'
import { findTopic } from '../find-topic.ts'
import type { WithContext } from '../main.ts'
import { repeated } from '../options.ts'
import { timeOf } from './topic-changes.ts'

interface ResetOptions {
  topic?: string[]
  to: string
  dryRun?: boolean
  yes?: boolean
}

interface Move {
  topic: string
  partition: number
  /** Null: none was committed. */
  from: bigint | null
  to: bigint
}

export function addResetOffsets(groups: Command, context: WithContext): void {
  groups
    .command('reset-offsets <group>')
    .description('where a group without members is to go on; asks unless --yes')
    .requiredOption('--to <place>', 'earliest, latest, an offset, +n or -n from where it is, or a time as 2026-01-31T12:00:00Z')
    .option('--topic <topic>', 'of this topic, or topic:partition; may be repeated (default: all it committed)', repeated)
    .option('--dry-run', 'only say what would be')
    .option('-y, --yes', 'without asking')
    .action(async (group: string, { topic, to, dryRun, yes }: ResetOptions) => {
      const { output, withKafka } = context()
      await withKafka(async ({ admin }) => {
        const [described] = await admin.describeGroups([group])
        if ((described?.members.length ?? 0) > 0)
          throw new MillraceError(
            'KAFKA',
            `Group "${group}" has ${described?.members.length} members: stop them first, they would go on where they are.`,
          )
        const moves = await movesOf(admin, group, topic, to)
        const asked = `Move ${group} in ${moves.length} partitions to ${to}?`
        if (dryRun !== true) {
          if (yes !== true && !(await confirmed(asked))) return output.line('nothing moved')
          await admin.alterOffsets(
            group,
            moves.map(({ topic: name, partition, to: offset }) => ({ topic: name, partition, offset })),
          )
        }
        output.data({ group, dryRun: dryRun ?? false, partitions: moves })
        output.table(
          ['TOPIC', 'PARTITION', 'FROM', 'TO'],
          moves.map((each) => [each.topic, each.partition, each.from, each.to]),
          ['PARTITION', 'FROM', 'TO'],
        )
        if (dryRun === true) output.line('nothing moved: a dry run')
      })
    })
}

async function movesOf(admin: Admin, group: string, topics: readonly string[] | undefined, to: string): Promise<Move[]> {
  const committed = await admin.committedOffsets(group)
  const chosen = topics === undefined ? committed : (await Promise.all(topics.map((text) => partitionsOf(admin, text)))).flat()
  if (chosen.length === 0) throw new MillraceError('NOT_FOUND', `Group "${group}" committed no offsets: name the topics with --topic.`)
  const asked = chosen.map(({ topic, partition }) => ({ topic, partition }))
  const [earliest, latest] = await Promise.all([admin.listOffsets(asked, 'earliest'), admin.listOffsets(asked, 'latest')])
  const place = placeOf(to)
  const found = place.is === 'found' ? await admin.listOffsets(asked, place.at) : []
  return asked.map(({ topic, partition }) => {
    const isIt = (each: { topic: string; partition: number }): boolean => each.topic === topic && each.partition === partition
    const from = committed.find(isIt)?.offset ?? null
    const [low, high] = [earliest.find(isIt)?.offset ?? 0n, latest.find(isIt)?.offset ?? 0n]
    const wanted = place.is === 'offset' ? place.offset : place.is === 'by' ? (from ?? low) + place.by : (found.find(isIt)?.offset ?? high)
    // As Kafka's tool: never outside of what is there.
    return { topic, partition, from, to: wanted < low ? low : wanted > high ? high : wanted }
  })
}

type Place = { is: 'found'; at: OffsetAt } | { is: 'offset'; offset: bigint } | { is: 'by'; by: bigint }

function placeOf(text: string): Place {
  if (text === 'earliest' || text === 'latest') return { is: 'found', at: text }
  if (/^\d{1,18}$/.test(text)) return { is: 'offset', offset: BigInt(text) }
  if (/^[+-]\d{1,18}$/.test(text)) return { is: 'by', by: BigInt(text) }
  return { is: 'found', at: { timestampMs: timeOf('--to', text) } }
}

/** `topic` or `topic:partition`. */
async function partitionsOf(admin: Admin, text: string): Promise<{ topic: string; partition: number }[]> {
  const [, name = text, only] = /^(.+):(\d+)$/.exec(text) ?? []
  const { partitions } = findTopic((await admin.metadata([name])).topics, name)
  const chosen = partitions.filter(({ partition }) => only === undefined || partition === Number(only))
  if (chosen.length === 0) throw new MillraceError('NOT_FOUND', `${name} has no partition ${only}.`)
  return chosen.map(({ partition }) => ({ topic: name, partition }))
}
