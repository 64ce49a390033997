import type { FlowCounts } from '../../src/core/index.ts'
import { runJson, runJsonLines } from './millrace.ts'
import type { TestProject } from './project.ts'

/** Ids of the users in the topic, one for each record. */
export function idsInTopic(project: TestProject): string[] {
  return runJsonLines<{ key: string | null }>(project, ['consume', 'users_created']).map((record) => record.key ?? 'null')
}

/** Ids of the rows in the table. */
export function idsInTable(project: TestProject): string[] {
  const { rows } = runJson<{ rows: { id: string }[] }>(project, [
    'query',
    'SELECT id FROM spark_streams.created_users',
    '--limit',
    '1000000',
  ])
  return rows.map((row) => row.id)
}

/** Users fetched, in the topic and in the table, and dead letters. One answer may still count by offsets, so who expects them asks again. */
export function countsOf(flow: FlowCounts | undefined): (number | null | undefined)[] {
  return [flow?.fetched, flow?.inTopic, flow?.inTable, flow?.deadLetters]
}
