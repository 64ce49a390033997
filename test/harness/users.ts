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
