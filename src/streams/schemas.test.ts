import { expect, test, vi } from 'vitest'
import { avroCodec, avroOfSchema, parseAvro, type AvroType, type ValueCodec } from '../formats/index.ts'
import { MillraceError } from '../platform/index.ts'
import { ScriptedKafka } from './testing/scripted-kafka.ts'
import { startRun } from './testing/start-run.ts'
import { TableModel } from './testing/table-model.ts'
import { someUsers, usersStream, usersTable } from './testing/users.ts'

const fields = usersTable.columns

function userType(): AvroType {
  const parsed = parseAvro(avroOfSchema({ name: 'User', fields }))
  if (!parsed.ok) throw new Error(parsed.problem.message)
  return parsed.type
}

const writer = avroCodec({ writer: { id: 7, type: userType() }, fields: null, schemaOf: () => Promise.reject(new Error('not asked')) })

function written(count: number): { key: string; value: Uint8Array; timestampMs: number }[] {
  return someUsers(count).map((user) => {
    const encoded = writer.encode(user.value)
    if (!encoded.ok) throw encoded.error
    return { ...user, value: encoded.value }
  })
}

/** A registry that has schema 7 alone, once it is there. */
function registry(): { asked: number[]; isThere: boolean; codec: ValueCodec } {
  const state = { asked: new Array<number>(), isThere: true, codec: writer }
  state.codec = avroCodec({
    writer: null,
    fields,
    schemaOf: async (id) => {
      state.asked.push(id)
      if (!state.isThere) throw new MillraceError('UNREACHABLE', 'The schema registry does not answer.')
      return id === 7 ? userType() : { none: `There is no schema ${id}.` }
    },
  })
  return state
}

test('while the registry is away the stream waits and says so, and no record becomes a dead letter', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, written(20))
  const table = new TableModel()
  const schemas = registry()
  schemas.isThere = false
  const run = startRun({ kafka, table, stream: usersStream(), values: schemas.codec })
  await vi.waitFor(() => expect(run.last().state).toMatchObject({ is: 'retrying', error: { code: 'UNREACHABLE' } }))
  await vi.waitFor(() => expect(schemas.asked.length).toBeGreaterThan(1))
  expect(run.last()).toMatchObject({ deadLetters: 0, recordsRead: 0 })
  schemas.isThere = true
  await vi.waitFor(() => expect(table.rows.size).toBe(20), 5_000)
  await vi.waitFor(() => expect(run.last().state).toEqual({ is: 'running' }))
  await run.stop()
  expect(run.last()).toMatchObject({ rowsWritten: 20, deadLetters: 0 })
})

test('a stop while the registry is away is a stop', async () => {
  const kafka = new ScriptedKafka()
  kafka.produce('users', 0, written(1))
  const schemas = registry()
  schemas.isThere = false
  const run = startRun({ kafka, table: new TableModel(), stream: usersStream(), values: schemas.codec })
  await vi.waitFor(() => expect(schemas.asked.length).toBeGreaterThan(0))
  await run.stop()
  expect(run.last()).toMatchObject({ state: { is: 'stopped', error: null }, committed: {} })
})

test('a schema is asked for once, whatever the batches; one that is not there makes dead letters that name it', async () => {
  const kafka = new ScriptedKafka()
  const [good] = written(1)
  kafka.produce('users', 0, [...written(10), { key: 'x', value: Buffer.from([0, 0, 0, 0, 9, 1]), timestampMs: good?.timestampMs ?? 0 }])
  kafka.produce('users', 1, written(10))
  const table = new TableModel()
  const schemas = registry()
  const run = startRun({ kafka, table, stream: usersStream(), values: schemas.codec })
  await vi.waitFor(() => expect(run.last()).toMatchObject({ recordsRead: 21, deadLetters: 1 }))
  await run.stop()
  expect(schemas.asked.toSorted((a, b) => a - b)).toEqual([7, 9])
  expect(run.last().lastDeadLetter).toMatchObject({ reason: 'decode', message: 'There is no schema 9.' })
})
