import { tableId } from '../../core/index.ts'
import type { CassandraSession, TableInfo } from '../../cql-client/index.ts'
import type { CommittedOffset, KafkaClient } from '../../kafka-client/index.ts'
import { asMillraceError, MillraceError, systemClock } from '../../platform/index.ts'
import { eachOf } from './each-of.ts'
import type { FollowedFlow, Following } from './followed-flow.ts'
import { definesNothing, personalIn } from './payload.ts'
import { listTables, readRows } from './table-browser.ts'
import { versionsOfKey } from './versions-of-key.ts'

const longestMs = 20_000

/**
 * Where a key is when no stream says where to look: its records in every topic but internal ones, with the groups that have read them, and the
 * first row of each table whose partition key it may be. What there was no time for is told as not complete.
 */
export async function followAnywhere(following: Following): Promise<FollowedFlow[]> {
  const deadlineMs = systemClock.monotonicMs() + longestMs
  const [kafka, cassandra] = await Promise.all([given(following.systems.kafka()), given(following.systems.cassandra())])
  const [topics, tables] = await Promise.all([
    kafka === null ? [] : inTopics(following, kafka, deadlineMs),
    cassandra === null ? [] : inTables(following, cassandra, deadlineMs),
  ])
  return [...topics, ...tables]
}

/** Null: the console was given none. */
async function given<T>(opening: Promise<T>): Promise<T | null> {
  return opening.catch((error: unknown) => {
    if (error instanceof MillraceError && error.code === 'NOT_FOUND') return null
    throw error
  })
}

async function inTopics(following: Following, kafka: KafkaClient, deadlineMs: number): Promise<FollowedFlow[]> {
  const { systems, key, hidePersonal, signal } = following
  const { topics } = await kafka.admin.metadata()
  const open = topics.filter(({ name, internal, error }) => !internal && !name.startsWith('_') && error === null)
  const flows = await eachOf(open, async ({ name, partitions }): Promise<FollowedFlow> => {
    const masking = hidePersonal ? personalIn(following.masking, name) : null
    const wanted = partitions.map(({ partition }) => partition)
    const isLate = systemClock.monotonicMs() >= deadlineMs
    // Where a key is known to be personal, a viewer may not try it; where nobody knows, all that is found is hidden.
    const isRefused = masking?.keyIsPersonal === true && !definesNothing(following.masking)
    const { records, found, scanned, complete } =
      isLate || isRefused
        ? { records: [], found: 0, scanned: 0, complete: isRefused }
        : await versionsOfKey({ kafka, values: systems.values, topic: name, partitions: wanted, masking, signal }, key, deadlineMs)
    const versions = records.map((record) => ({ record, run: null, processed: false, readBy: [], deadLetter: null }))
    return { stream: null, topic: name, table: null, versions, found, row: null, rowError: null, scanned, complete }
  })
  const shown = flows.filter(({ found, complete }) => found > 0 || !complete)
  return shown.some(({ found }) => found > 0) ? withReaders(shown, kafka) : shown
}

/** Which groups have committed past each record. */
async function withReaders(flows: FollowedFlow[], { admin }: KafkaClient): Promise<FollowedFlow[]> {
  const groups = await eachOf(await admin.listGroups(), async ({ groupId }) => ({
    groupId,
    committed: await admin.committedOffsets(groupId),
  }))
  const hasRead = (committed: readonly CommittedOffset[], topic: string | null, partition: number, offset: string): boolean =>
    committed.some((each) => each.topic === topic && each.partition === partition && each.offset > BigInt(offset))
  return flows.map((flow) => ({
    ...flow,
    versions: flow.versions.map((version) => {
      const { partition, offset } = version.record
      const readers = groups.filter(({ committed }) => hasRead(committed, flow.topic, partition, offset))
      return { ...version, readBy: readers.map(({ groupId }) => groupId).toSorted() }
    }),
  }))
}

async function inTables(following: Following, session: CassandraSession, deadlineMs: number): Promise<FollowedFlow[]> {
  const tables = await listTables(session, following.project, false)
  const asked = await eachOf(
    tables.filter(({ partitionKey }) => partitionKey.length === 1),
    async (table) => {
      const nothing = { stream: null, topic: null, table: tableId(table), versions: [], found: 0, scanned: 0, row: null }
      if (systemClock.monotonicMs() >= deadlineMs) return { ...nothing, rowError: 'it was not asked: the time was up', complete: false }
      return { ...nothing, ...(await rowOf(following, session, table)), complete: true }
    },
  )
  return asked.filter(({ row, rowError }) => row !== null || rowError !== null)
}

async function rowOf(
  { masking, key, hidePersonal }: Following,
  session: CassandraSession,
  table: TableInfo,
): Promise<Pick<FollowedFlow, 'row' | 'rowError'>> {
  try {
    const { rows } = await readRows(session, masking, table, { key: [key], pageSize: 1, next: null }, hidePersonal)
    return { row: rows[0] ?? null, rowError: null }
  } catch (error) {
    // A text that is no value of the column's type is no key of this table.
    const failure = asMillraceError(error)
    return { row: null, rowError: failure.retriable ? failure.message : null }
  }
}
