import { names, type TopicDef } from '../../core/index.ts'
import { systemClock } from '../../platform/index.ts'
import type { ApiPorts } from '../ports.ts'
import { followAnywhere } from './follow-anywhere.ts'
import type { FollowedFlow, FollowedVersion, Following } from './followed-flow.ts'
import { maskedLetter } from './masked-letter.ts'
import { personalIn } from './payload.ts'
import type { RecordView } from './records.ts'
import type { DataSystems } from './systems.ts'
import { personalKey, readRows } from './table-browser.ts'
import { versionsOfKey } from './versions-of-key.ts'

const longestScanMs = 20_000

/** Every stop that the records of a key made: run and page, topic and offset, stream, row or dead letter. */
export function followRecord(
  systems: DataSystems,
  ports: Pick<ApiPorts, 'project' | 'masking' | 'deadLetters'>,
  key: string,
  hidePersonal: boolean,
  signal: AbortSignal,
): Promise<FollowedFlow[]> {
  const project = ports.project()
  if (project.streams.length === 0) return followAnywhere({ systems, ports, project, masking: ports.masking(), key, hidePersonal, signal })
  return Promise.all(
    project.streams.flatMap((stream) => {
      const source = stream.nodes.find((node) => node.is === 'source')
      const sink = stream.nodes.find((node) => node.is === 'sink')
      const topic = project.topics.find(({ name }) => name === source?.topic)
      if (topic === undefined || sink === undefined) return []
      return [
        followFlow(
          { systems, ports, project, masking: ports.masking(), key, hidePersonal, signal },
          { stream: stream.name, topic, table: sink.table },
        ),
      ]
    }),
  )
}

async function followFlow(following: Following, flow: { stream: string; topic: TopicDef; table: string }): Promise<FollowedFlow> {
  const { systems, ports, project, key, hidePersonal, signal } = following
  const masking = hidePersonal ? personalIn(following.masking, flow.topic.name) : null
  if (masking?.keyIsPersonal) {
    const { stream, table, topic } = flow
    const rowError = personalKey(topic.name).message
    return { stream, topic: topic.name, table, versions: [], found: 0, row: null, rowError, scanned: 0, complete: true }
  }
  const kafka = await systems.kafka()
  const { topics } = await kafka.admin.metadata([flow.topic.name])
  const partitions = topics.find(({ name }) => name === flow.topic.name)?.partitions.map(({ partition }) => partition) ?? []
  const reading = { kafka, values: systems.values, topic: flow.topic.name, partitions, masking, signal }
  const [found, committed, letters, row] = await Promise.all([
    versionsOfKey(reading, key, systemClock.monotonicMs() + longestScanMs),
    kafka.admin.committedOffsets(names.group(project.name, flow.stream), [flow.topic.name]),
    ports.deadLetters.list(flow.stream, { limit: 10_000 }),
    rowOf(following, flow),
  ])
  const versions = found.records.map((record): FollowedVersion => {
    const offset = committed.find(({ partition }) => partition === record.partition)?.offset ?? 0n
    const letter = letters.letters.find(
      (each) => each.topic === flow.topic.name && each.partition === record.partition && each.offset === record.offset,
    )
    const shown = letter && hidePersonal ? maskedLetter(letter, masking) : letter
    return { record, run: runOf(record), processed: offset > BigInt(record.offset), readBy: [], deadLetter: shown ?? null }
  })
  return {
    stream: flow.stream,
    topic: flow.topic.name,
    table: flow.table,
    versions,
    found: found.found,
    ...row,
    scanned: found.scanned,
    complete: found.complete,
  }
}

function runOf({ headers }: RecordView): FollowedVersion['run'] {
  const header = (name: string): string | null => headers.find(({ key }) => key === name)?.value ?? null
  const run = header(names.runHeader)
  return run === null ? null : { run, attempt: Number(header(names.attemptHeader) ?? 1), page: header(names.pageHeader) }
}

async function rowOf(
  { systems, masking, key, hidePersonal }: Following,
  { topic, table }: { topic: TopicDef; table: string },
): Promise<Pick<FollowedFlow, 'row' | 'rowError'>> {
  try {
    const session = await systems.cassandra()
    const [keyspace = '', name = ''] = table.split('.')
    const info = await session.table(keyspace, name)
    if (info === null) return { row: null, rowError: `there is no table ${table}` }
    const values = keyValues(topic, key, info.partitionKey)
    if (values === null) return { row: null, rowError: `the key of ${table} is not that of the topic's records` }
    const { rows } = await readRows(session, masking, info, { key: values, pageSize: 1, next: null }, hidePersonal)
    return { row: rows[0] ?? null, rowError: null }
  } catch (error) {
    return { row: null, rowError: error instanceof Error ? error.message : String(error) }
  }
}

/** A record's key is the text of its field, or a JSON array of several; null when the table has another one. */
function keyValues({ key: fields }: TopicDef, key: string, columns: readonly string[]): string[] | null {
  const parts: unknown = fields.length === 1 ? [key] : parsed(key)
  if (!Array.isArray(parts)) return null
  const values = columns.map((column) => (fields.includes(column) ? String(parts[fields.indexOf(column)]) : null))
  return values.includes(null) ? null : values.filter((value) => value !== null)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
