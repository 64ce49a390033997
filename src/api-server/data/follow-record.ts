import { bytesAt, names, type DeadLetterView, type Json, type Project, type TopicDef } from '../../core/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import { systemClock } from '../../platform/index.ts'
import type { ApiPorts } from '../ports.ts'
import { maskedLetter } from './masked-letter.ts'
import { personalIn } from './payload.ts'
import { openReader, type ReadOptions } from './read-topic.ts'
import { recordView, type RecordView } from './records.ts'
import type { DataSystems } from './systems.ts'
import { readRows } from './table-browser.ts'

export interface FollowedVersion {
  record: RecordView
  /** The run that fetched it, as its headers say; null when another program produced it. */
  run: { run: string; attempt: number; page: string | null } | null
  /** Whether the stream has committed past it. */
  processed: boolean
  deadLetter: DeadLetterView | null
}

export interface FollowedFlow {
  stream: string
  topic: string
  table: string
  /** Oldest first; the newest `mostVersions`. */
  versions: FollowedVersion[]
  /** The table's row of this key; null: there is none. */
  row: { [column: string]: Json } | null
  /** Why the table could not be asked by this key. */
  rowError: string | null
  /** How much of the topic was looked at, and whether that was all. */
  scanned: number
  complete: boolean
}

const mostVersions = 50
const longestScanMs = 20_000

/** Every stop that the records of a key made: run and page, topic and offset, stream, row or dead letter. */
export function followRecord(
  systems: DataSystems,
  ports: Pick<ApiPorts, 'project' | 'deadLetters'>,
  key: string,
  hidePersonal: boolean,
  signal: AbortSignal,
): Promise<FollowedFlow[]> {
  const project = ports.project()
  return Promise.all(
    project.streams.flatMap((stream) => {
      const source = stream.nodes.find((node) => node.is === 'source')
      const sink = stream.nodes.find((node) => node.is === 'sink')
      const topic = project.topics.find(({ name }) => name === source?.topic)
      if (topic === undefined || sink === undefined) return []
      return [followFlow({ systems, ports, project, key, hidePersonal, signal }, { stream: stream.name, topic, table: sink.table })]
    }),
  )
}

interface Following {
  readonly systems: DataSystems
  readonly ports: Pick<ApiPorts, 'deadLetters'>
  readonly project: Project
  readonly key: string
  readonly hidePersonal: boolean
  readonly signal: AbortSignal
}

async function followFlow(following: Following, flow: { stream: string; topic: TopicDef; table: string }): Promise<FollowedFlow> {
  const { systems, ports, project } = following
  const kafka = await systems.kafka()
  const [found, committed, letters, row] = await Promise.all([
    versionsOf(following, kafka, flow.topic.name),
    kafka.admin.committedOffsets(names.group(project.name, flow.stream), [flow.topic.name]),
    ports.deadLetters.list(flow.stream, { limit: 10_000 }),
    rowOf(following, flow),
  ])
  const versions = found.records.map((record): FollowedVersion => {
    const offset = committed.find(({ partition }) => partition === record.partition)?.offset ?? 0n
    const letter = letters.letters.find(
      (each) => each.topic === flow.topic.name && each.partition === record.partition && each.offset === record.offset,
    )
    const shown = letter && following.hidePersonal ? maskedLetter(letter, personalIn(project, flow.topic.name)) : letter
    return { record, run: runOf(record), processed: offset > BigInt(record.offset), deadLetter: shown ?? null }
  })
  return {
    stream: flow.stream,
    topic: flow.topic.name,
    table: flow.table,
    versions,
    ...row,
    scanned: found.scanned,
    complete: found.complete,
  }
}

/** Keys are compared as bytes: nothing is decoded but what is shown. */
async function versionsOf(
  { systems, project, key, hidePersonal, signal }: Following,
  kafka: KafkaClient,
  topic: string,
): Promise<{ records: RecordView[]; scanned: number; complete: boolean }> {
  const { topics } = await kafka.admin.metadata([topic])
  const partitions = topics.find(({ name }) => name === topic)?.partitions.map(({ partition }) => partition) ?? []
  const options: ReadOptions = {
    kafka,
    values: systems.values,
    topic,
    partitions,
    masking: hidePersonal ? personalIn(project, topic) : null,
    signal,
  }
  const records: RecordView[] = []
  if (partitions.length === 0) return { records, scanned: 0, complete: true }
  const wanted = Buffer.from(key)
  const deadlineMs = systemClock.monotonicMs() + longestScanMs
  let scanned = 0
  await using reader = openReader(options, 'earliest')
  do {
    for (const batch of await reader.poll({ signal })) {
      scanned += batch.count
      for (let i = 0; i < batch.count; i++) {
        const bytes = bytesAt(batch, batch.keyAt, i)
        if (bytes === null || !wanted.equals(bytes)) continue
        await systems.values.makeReadyFor(batch, signal)
        records.push(recordView(batch, i, systems.values, options.masking))
        if (records.length > mostVersions) records.shift()
      }
    }
  } while (!reader.atEnd() && systemClock.monotonicMs() < deadlineMs)
  return { records, scanned, complete: reader.atEnd() }
}

function runOf({ headers }: RecordView): FollowedVersion['run'] {
  const header = (name: string): string | null => headers.find(({ key }) => key === name)?.value ?? null
  const run = header(names.runHeader)
  return run === null ? null : { run, attempt: Number(header(names.attemptHeader) ?? 1), page: header(names.pageHeader) }
}

async function rowOf(
  { systems, project, key, hidePersonal }: Following,
  { topic, table }: { topic: TopicDef; table: string },
): Promise<Pick<FollowedFlow, 'row' | 'rowError'>> {
  try {
    const session = await systems.cassandra()
    const [keyspace = '', name = ''] = table.split('.')
    const info = await session.table(keyspace, name)
    if (info === null) return { row: null, rowError: `there is no table ${table}` }
    const values = keyValues(topic, key, info.partitionKey)
    if (values === null) return { row: null, rowError: `the key of ${table} is not that of the topic's records` }
    const { rows } = await readRows(session, project, info, { key: values, pageSize: 1, next: null }, hidePersonal)
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
