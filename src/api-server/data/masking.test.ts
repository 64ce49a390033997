import { expect, test } from 'vitest'
import { names, type Batch, type DeadLetterView, type Field, type Project } from '../../core/index.ts'
import { maskedLetter } from './masked-letter.ts'
import { decodeWithoutSchema, maskFields, personalIn } from './payload.ts'
import { recordView } from './records.ts'

const email: Field = { name: 'email', type: { is: 'text' }, nullable: false, pii: true }
const id: Field = { name: 'id', type: { is: 'text' }, nullable: false }
const person: Field = { name: 'person', type: { is: 'struct', name: 'Person', fields: [email] }, nullable: false }
const people: Field = { name: 'people', type: { is: 'list', of: person.type }, nullable: false }

test('of a structure with personal fields all is hidden that has not its form', () => {
  const form = [id, person, people]
  expect(maskFields({ id: 'a', person: { email: 'a@b.example' } }, form)).toEqual({ id: 'a', person: { email: '•••' } })
  expect(maskFields({ id: 'a', person: 'a@b.example' }, form)).toEqual({ id: 'a', person: '•••' })
  expect(maskFields({ id: 'a', person: ['a@b.example'] }, form)).toEqual({ id: 'a', person: '•••' })
  expect(maskFields({ id: 'a', people: [{ email: 'a@b.example' }] }, form)).toEqual({ id: 'a', people: '•••' })
  expect(maskFields({ id: ['a@b.example'], person: null }, form)).toEqual({ id: '•••', person: null })
})

test('what stands where a number or a truth value should be is hidden, unless it is one', () => {
  const age: Field = { name: 'age', type: { is: 'int32' }, nullable: false }
  const member: Field = { name: 'member', type: { is: 'bool' }, nullable: false }
  const balance: Field = { name: 'balance', type: { is: 'decimal', precision: 9, scale: 2 }, nullable: false }
  const form = [age, member, balance, email]
  const right = { age: 7, member: true, balance: '-12.50' }
  expect(maskFields(right, form)).toEqual(right)
  const secret = 'a@b.example'
  expect(maskFields({ age: secret, member: secret, balance: secret }, form)).toEqual({ age: '•••', member: '•••', balance: '•••' })
})

test('where a source goes on is hidden: its API may have put anything into it', () => {
  const topics: Project['topics'] = [{ name: 't', schema: 's', key: ['id'], partitions: 1, configs: {} }]
  const project: Project = { name: 'p', schemas: [{ name: 's', fields: [id] }], topics, tables: [], streams: [], dags: [] }
  expect(personalIn(project, names.cursors('p'))).toEqual({ fields: [], keyIsPersonal: false })
  expect(personalIn(project, 't')).toBeNull()
})

test('a topic whose personal fields are in lists has personal fields', () => {
  const topics: Project['topics'] = [{ name: 't', schema: 's', key: ['id'], partitions: 1, configs: {} }]
  const project: Project = { name: 'p', schemas: [{ name: 's', fields: [id, people] }], topics, tables: [], streams: [], dags: [] }
  expect(personalIn(project, 't')).not.toBeNull()
})

test('while the pipeline files do not load nobody knows what is personal: all is hidden', () => {
  const personal = personalIn({ name: 'p', schemas: [], topics: [], tables: [], streams: [], dags: [] }, 't')
  expect(personal).toEqual({ fields: [], keyIsPersonal: true })
})

test('headers of a topic with personal fields are hidden but for those that say where a record comes from', () => {
  const header = (key: string, text: string): { key: string; value: Buffer } => ({ key, value: Buffer.from(text) })
  const batch: Batch = {
    topic: 't',
    partition: 0,
    leaderEpoch: -1,
    count: 1,
    bytes: new Uint8Array(),
    keyAt: new Int32Array([-1, -1]),
    valueAt: new Int32Array([-1, -1]),
    offsets: new BigInt64Array([7n]),
    timestampMs: new Float64Array([0]),
    writeMicros: new BigInt64Array([0n]),
    nextOffset: 8n,
    highWatermark: 8n,
    headers: () => [
      header(names.runHeader, 'run 1'),
      header('__connect.errors.stage', 'step'),
      header('__connect.errors.exception.message', 'no such user a@b.example'),
      header('__connect.errors.exception.stacktrace', 'a@b.example at step'),
      header('customer', 'a@b.example'),
    ],
  }
  const values = { decode: decodeWithoutSchema }
  const shown = recordView(batch, 0, values, { fields: [email], keyIsPersonal: false })
  expect(JSON.stringify(shown)).not.toContain('a@b.example')
  expect(shown.headers.slice(0, 2).map(({ value }) => value)).toEqual(['run 1', 'step'])
  expect(JSON.stringify(recordView(batch, 0, values, null))).toContain('no such user a@b.example')
})

test('of a dead letter nothing is shown that may tell of personal fields; without personal fields all of it', () => {
  const secret = 'a@b.example'
  const letter: DeadLetterView = {
    id: '0:1',
    stream: 'load',
    stage: 'validate',
    step: 'check',
    errorClass: 'Error',
    state: 'open',
    settled: null,
    topic: 't',
    partition: 0,
    offset: '7',
    at: '2026-01-01T00:00:00.000Z',
    replays: 0,
    replayOf: null,
    valueIsBase64: false,
    key: secret,
    value: JSON.stringify({ id: 'a', email: secret, note: secret }),
    message: `email: ${secret} is refused`,
    stack: `Error: ${secret}`,
    headers: [
      { key: names.runHeader, value: 'run 1' },
      { key: 'customer', value: secret },
    ],
  }
  const personal = { fields: [id, email], keyIsPersonal: true }
  const shown = maskedLetter(letter, personal)
  expect(JSON.stringify(shown)).not.toContain(secret)
  expect(shown).toMatchObject({ id: '0:1', stage: 'validate', value: '{"id":"a","email":"•••","note":"•••"}', masked: true })
  expect(shown.headers[0]?.value).toBe('run 1')
  for (const value of [secret, `["${secret}"]`, Buffer.from(secret).toString('base64')])
    expect(maskedLetter({ ...letter, value, valueIsBase64: !value.includes('@') }, personal).value).toBe('•••')
  expect(maskedLetter({ ...letter, value: null }, personal).value).toBeNull()
  expect(maskedLetter(letter, null)).toBe(letter)
})
