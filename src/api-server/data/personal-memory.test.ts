import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { names, type Field, type Project } from '../../core/index.ts'
import { masked, payloadView, personalIn } from './payload.ts'
import { PersonalMemory } from './personal-memory.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-personal-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const id: Field = { name: 'id', type: { is: 'text' }, nullable: false }
const email: Field = { name: 'email', type: { is: 'text' }, nullable: false, pii: true }
const topic = (name: string, schema: string, key = ['id']): Project['topics'][number] => ({ name, schema, key, partitions: 1, configs: {} })
const nothing: Project = { name: 'p', schemas: [], topics: [], tables: [], streams: [], dags: [] }
const users: Project = {
  ...nothing,
  schemas: [{ name: 'User', fields: [id, email] }],
  topics: [topic('users', 'User')],
  tables: [
    { kind: 'cassandra', keyspace: 'k', name: 'users', schema: 'User', columns: [id, email], partitionKey: ['id'], clusteringKey: [] },
  ],
  streams: [
    {
      name: 'load',
      nodes: [{ is: 'source', id: 'in', topic: 'users', startingOffsets: 'earliest' }],
      edges: [],
      deadLetterLimit: { window: 100, ratio: 1, atLeast: 100 },
      commitIntervalMs: 1_000,
      at: null,
      fn: { module: '', export: '', node: '', digest: '' },
    },
  ],
}
const visits: Project = { ...nothing, schemas: [{ name: 'Visit', fields: [id] }], topics: [topic('visits', 'Visit')] }

/** A value of the topic as a viewer sees it. */
function seen(project: Project, name: string): unknown {
  const json = { id: 'a', email: 'a@b.example' }
  const view = payloadView(Buffer.from(JSON.stringify(json)), { format: 'json', json })
  return masked(view, personalIn(project, name))?.json
}
const hidden = { id: 'a', email: '•••' }

test('a topic that is defined no more stays hidden, with its dead letters, also after a restart', () => {
  const memory = new PersonalMemory(dir)
  memory.remember(users)
  memory.remember(visits)
  expect(seen(visits, 'users')).toEqual({ id: 'a', email: 'a@b.example' })
  for (const each of [memory, new PersonalMemory(dir)]) {
    for (const name of ['users', names.deadLetters('p', 'load'), names.retry('p', 'load')])
      expect(seen(each.withRemembered(visits), name)).toEqual(hidden)
    expect(each.withRemembered(visits).tables).toMatchObject([{ keyspace: 'k', name: 'users', columns: [id, email] }])
    expect(personalIn(each.withRemembered(visits), 'visits')).toBeNull()
  }
  expect(statSync(join(dir, 'personal.json')).mode & 0o777).toBe(0o600)
})

test('a field that is defined no more stays hidden; one that is called personal no more is shown', () => {
  const memory = new PersonalMemory(dir)
  memory.remember(users)
  const without: Project = {
    ...users,
    schemas: [{ name: 'User', fields: [id] }],
    tables: users.tables.map((table) => ({ ...table, columns: [id] })),
  }
  memory.remember(without)
  expect(seen(memory.withRemembered(without), 'users')).toEqual(hidden)
  expect(memory.withRemembered(without).tables[0]?.columns).toEqual([id, email])
  const open: Project = { ...users, schemas: [{ name: 'User', fields: [id, { name: 'email', type: { is: 'text' }, nullable: false }] }] }
  expect(seen(memory.withRemembered(open), 'users')).toEqual({ id: 'a', email: 'a@b.example' })
})

test('dead letters of a stream that reads another topic now stay hidden', () => {
  const memory = new PersonalMemory(dir)
  memory.remember(users)
  const moved: Project = {
    ...visits,
    streams: users.streams.map((stream) => ({
      ...stream,
      nodes: [{ is: 'source', id: 'in', topic: 'visits', startingOffsets: 'earliest' }],
    })),
  }
  memory.remember(moved)
  for (const name of [names.deadLetters('p', 'load'), names.retry('p', 'load')])
    expect(seen(memory.withRemembered(moved), name)).toEqual(hidden)
  expect(personalIn(memory.withRemembered(moved), 'visits')).toBeNull()
})

test('keys that were personal stay hidden when another field becomes the key', () => {
  const memory = new PersonalMemory(dir)
  memory.remember({ ...users, topics: [topic('users', 'User', ['email'])] })
  memory.remember(users)
  expect(personalIn(memory.withRemembered(users), 'users')?.keyIsPersonal).toBe(true)
})

test('a project that defines nothing says nothing: all stays hidden', () => {
  const memory = new PersonalMemory(dir)
  memory.remember(users)
  expect(memory.withRemembered(nothing)).toBe(nothing)
})

test('a file that cannot be read is told', () => {
  writeFileSync(join(dir, 'personal.json'), '{')
  expect(() => new PersonalMemory(dir)).toThrow('personal.json cannot be read')
})
