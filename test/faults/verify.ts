import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { connectCassandra } from '../../src/cql-client/index.ts'
import type { UserVersion } from './users-api.ts'

/** What a run left behind, against what the API gave. */
export interface Verdict {
  readonly recordsIn: number
  readonly rowsOut: number
  /** Versions that are not in the topic, users whose row is not their last version, poison that is no dead letter; the first few by name. */
  readonly lost: number
  readonly examples: readonly string[]
  /** Records beyond the first of each version. */
  readonly doubledInTopic: number
  readonly deadLetters: number
  readonly doubledDeadLetters: number
}

interface Found {
  readonly kcat: string
  readonly bootstrapServer: string
  readonly contactPoint: string
  readonly topic: string
  readonly deadLetterTopic: string
  readonly keyspace: string
}

const nameOf = ({ id, version }: { id: string; version: number }): string => `${id}/${version}`

/** Reads topic and dead letters by kcat and the table by the DataStax driver: neither is ours. */
export async function verify(given: readonly UserVersion[], found: Found): Promise<Verdict> {
  const inTopic = await readTopic(found.kcat, found.bootstrapServer, found.topic)
  const dead = await readTopic(found.kcat, found.bootstrapServer, found.deadLetterTopic)
  return judge(given, { inTopic, dead, rows: await readTable(found.contactPoint, found.keyspace) })
}

/** @param found versions in the order of the topics; `rows`: version by id */
export function judge(
  given: readonly UserVersion[],
  { inTopic, dead, rows }: { inTopic: readonly UserVersion[]; dead: readonly UserVersion[]; rows: ReadonlyMap<string, number> },
): Verdict {
  const times = countBy(inTopic.map(nameOf))
  const deadTimes = countBy(dead.map(nameOf))
  const examples = [
    ...given.filter((user) => !times.has(nameOf(user))).map((user) => `${nameOf(user)} is not in the topic`),
    ...given.filter((user) => user.poison && !deadTimes.has(nameOf(user))).map((user) => `${nameOf(user)} is no dead letter`),
    ...dead.filter((user) => !user.poison).map((user) => `${nameOf(user)} is a dead letter without cause`),
    ...wrongRows(lastVersions(given), rows, 'the API'),
    ...wrongRows(lastVersions(inTopic), rows, 'the topic'),
  ]
  return {
    recordsIn: given.length,
    rowsOut: rows.size,
    lost: examples.length,
    examples: examples.slice(0, 5),
    doubledInTopic: inTopic.length - times.size,
    deadLetters: dead.length,
    doubledDeadLetters: dead.length - deadTimes.size,
  }
}

/** By user, the last version that the stream does not refuse: what the table has to hold. Versions of one user are in one partition, in order. */
function lastVersions(users: readonly UserVersion[]): Map<string, number> {
  return new Map(users.filter(({ poison }) => !poison).map(({ id, version }) => [id, version]))
}

function wrongRows(wanted: ReadonlyMap<string, number>, rows: ReadonlyMap<string, number>, whose: string): string[] {
  return [
    ...[...wanted]
      .filter(([id, version]) => rows.get(id) !== version)
      .map(([id, version]) => `${id} is at ${rows.get(id)}, by ${whose} at ${version}`),
    ...[...rows.keys()].filter((id) => !wanted.has(id)).map((id) => `${id} has a row, but not by ${whose}`),
  ]
}

function countBy(names: readonly string[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const name of names) times.set(name, (times.get(name) ?? 0) + 1)
  return times
}

async function readTopic(kcat: string, bootstrapServer: string, topic: string): Promise<UserVersion[]> {
  const { stdout } = await promisify(execFile)(
    kcat,
    ['-b', bootstrapServer, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%s\n'],
    { maxBuffer: 512 * 1_048_576, timeout: 120_000 },
  )
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): UserVersion => JSON.parse(line))
}

async function readTable(contactPoint: string, keyspace: string): Promise<Map<string, number>> {
  await using session = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: 'datacenter1' })
  const rows = new Map<string, number>()
  let pagingState: string | null = null
  do {
    const page: Awaited<ReturnType<typeof session.query>> = await session.query(`SELECT id, version FROM ${keyspace}.users`, {
      pageSize: 5_000,
      ...(pagingState === null ? {} : { pagingState }),
    })
    for (const row of page.rows) rows.set(String(row.id), Number(row.version))
    pagingState = page.pagingState
  } while (pagingState !== null)
  return rows
}
