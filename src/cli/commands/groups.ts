import type { Command } from 'commander'
import type { Admin, GroupDescription } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { confirmed } from '../confirm.ts'
import type { WithContext } from '../main.ts'
import { numeral } from '../output.ts'
import { addResetOffsets } from './reset-offsets.ts'

export function addGroupCommands(program: Command, context: WithContext): void {
  const groups = program.command('groups').description('list, describe, move and delete consumer groups')
  addResetOffsets(groups, context)
  groups
    .command('list', { isDefault: true })
    .description('list groups with their state')
    .action(async () => {
      const { output, withKafka } = context()
      const found = (await withKafka(({ admin }) => admin.listGroups())).toSorted((a, b) => a.groupId.localeCompare(b.groupId))
      output.data(found.map(({ groupId, state, protocolType }) => ({ group: groupId, state, protocolType })))
      output.table(
        ['GROUP', 'STATE', 'TYPE'],
        found.map(({ groupId, state, protocolType }) => [groupId, state || null, protocolType || null]),
      )
    })
  groups
    .command('describe <group>')
    .description('where a group is in each partition, how far behind, and by which member')
    .action(async (name: string) => {
      const { output, withKafka } = context()
      const group = await withKafka(({ admin }) => describeGroup(admin, name))
      output.data(group)
      output.line(`${group.group} · ${group.state} · ${group.members.length} members · lag ${numeral(group.lag)}`)
      output.table(
        ['TOPIC', 'PARTITION', 'COMMITTED', 'END OFFSET', 'LAG', 'MEMBER', 'HOST'],
        group.partitions.map((each) => {
          const member = group.members.find(({ memberId }) => memberId === each.memberId)
          const { committed, latest, lag } = each
          return [each.topic, each.partition, committed, latest, lag === null ? null : numeral(lag), member?.name, member?.host]
        }),
        ['PARTITION', 'COMMITTED', 'END OFFSET', 'LAG'],
      )
    })
  groups
    .command('delete <groups...>')
    .description('delete groups without members, and their offsets; asks unless --yes')
    .option('-y, --yes', 'without asking')
    .action(async (names: string[], { yes }: { yes?: boolean }) => {
      const { output, withKafka } = context()
      await withKafka(async ({ admin }) => {
        const there = new Set((await admin.listGroups()).map(({ groupId }) => groupId))
        // All are looked for before one is deleted: a slip of the pen deletes nothing.
        for (const name of names) if (!there.has(name)) throw noSuchGroup(name)
        if (yes !== true && !(await confirmed(`Delete ${names.join(', ')} with all offsets?`))) return output.line('nothing deleted')
        const deleted = await admin.deleteGroups(names)
        output.data(deleted.map(({ groupId, deleted: done }) => ({ group: groupId, deleted: done })))
        for (const each of deleted) output.line(`${each.groupId} ${each.deleted ? 'deleted' : 'was gone already'}`)
      })
    })
}

interface GroupPartition {
  topic: string
  partition: number
  /** Null: none was committed. */
  committed: bigint | null
  latest: bigint | null
  lag: bigint | null
  /** Of the member that reads it; null: nobody. */
  memberId: string | null
}

interface Group {
  group: string
  state: string
  /** The assignor in use. */
  protocol: string
  members: { memberId: string; name: string; host: string }[]
  partitions: GroupPartition[]
  lag: bigint
}

async function describeGroup(admin: Admin, name: string): Promise<Group> {
  const [[found], committed] = await Promise.all([admin.describeGroups([name]), admin.committedOffsets(name)])
  if (found === undefined || (found.state === 'Dead' && committed.length === 0)) throw noSuchGroup(name)
  const owners = ownersOf(found)
  const wanted = new Map([
    ...owners.values().map(({ topic, partition }) => [keyOf(topic, partition), { topic, partition }] as const),
    ...committed.map(({ topic, partition }) => [keyOf(topic, partition), { topic, partition }] as const),
  ])
  // A topic that was deleted still has offsets in the group.
  const topics = new Set((await admin.metadata()).topics.map((topic) => topic.name))
  const ends = await admin.listOffsets(
    [...wanted.values()].filter(({ topic }) => topics.has(topic)),
    'latest',
  )
  const partitions = [...wanted.values()]
    .map(({ topic, partition }): GroupPartition => {
      const isIt = (each: { topic: string; partition: number }): boolean => each.topic === topic && each.partition === partition
      const offset = committed.find(isIt)?.offset ?? null
      const latest = ends.find(isIt)?.offset ?? null
      const lag = offset === null || latest === null ? null : latest - offset
      return { topic, partition, committed: offset, latest, lag, memberId: owners.get(keyOf(topic, partition))?.memberId ?? null }
    })
    .toSorted((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition)
  return {
    group: name,
    state: found.state,
    protocol: found.protocol,
    members: found.members.map(({ memberId, groupInstanceId, clientHost, clientId }) => ({
      memberId,
      name: groupInstanceId ?? clientId,
      host: clientHost,
    })),
    partitions,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0n), 0n),
  }
}

const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`

function ownersOf({ members }: GroupDescription): Map<string, { topic: string; partition: number; memberId: string }> {
  return new Map(
    members.flatMap(({ memberId, assignment }) =>
      assignment.partitions.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => [keyOf(topic, partition), { topic, partition, memberId }] as const),
      ),
    ),
  )
}

function noSuchGroup(name: string): MillraceError {
  return new MillraceError('NOT_FOUND', `There is no group "${name}": see "millrace groups list".`)
}
