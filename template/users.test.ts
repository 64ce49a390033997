import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { testStream } from 'millrace/testing'
import { loadUsers } from './users.pipeline.ts'

const ada = {
  id: '00000000-0000-4000-8000-000000000001',
  first_name: 'Ada',
  last_name: 'Lovelace',
  email: 'ada@example.com',
  registered_date: '2026-01-31T12:00:00.000Z',
}

test('a user becomes a row, and a later version of the user replaces it', async () => {
  await using run = await testStream(loadUsers)
  await run.push([{ value: ada, timestampMs: 1_000 }])
  await run.push([{ value: { ...ada, first_name: 'Augusta' }, timestampMs: 2_000 }])
  const rows = run.rows('spark_streams.created_users')
  deepEqual(
    rows.map((row) => row['first_name']),
    ['Augusta'],
  )
})

test('what is no user becomes a dead letter, and no row', async () => {
  await using run = await testStream(loadUsers)
  await run.push([{ value: { ...ada, email: 'not an address' } }])
  equal(run.rows('spark_streams.created_users').length, 0)
  equal(run.deadLetters().length, 1)
})
