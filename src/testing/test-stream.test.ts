import { setTimeout as anAnswer } from 'node:timers/promises'
import { z } from 'zod'
import { expect, test } from 'vitest'
import { cassandraTable, schema, stream, topic } from '../authoring/index.ts'
import { testStream } from './index.ts'

const User = schema('User', { id: z.string(), name: z.string(), country: z.string().default('NO'), age: z.int().optional() })
const usersCreated = topic('users_created', { value: User, key: 'id', partitions: 3 })
const createdUsers = cassandraTable('app', 'users', { row: User, partitionKey: ['id'] })
const startMs = 1_800_000_000_000

const loadUsers = stream('load_users')
  .from(usersCreated)
  .filter((user) => user.name !== 'nobody')
  .map((user) => {
    if (user.name === 'boom') throw new TypeError('boom is no name')
    return { ...user, name: user.name.toUpperCase() }
  })
  .to(createdUsers)

test('pushed values go through the steps and are rows, defaults filled in, in the order of the key', async () => {
  await using run = await testStream(loadUsers)
  expect(run.state).toEqual({ is: 'running' })
  await run.push([{ value: { id: 'b', name: 'ada' } }, { value: { id: 'a', name: 'bob', country: 'SE', age: 7 } }])
  await run.push([{ value: { id: 'c', name: 'nobody' } }])
  const [a, b] = run.rows()
  expect(a).toEqual({ id: 'a', name: 'BOB', country: 'SE', age: 7 })
  expect(b).toEqual({ id: 'b', name: 'ADA', country: 'NO', age: null })
  expect(run.rows('app.users')).toHaveLength(2)
  expect(run.row('a')?.name).toBe('BOB')
  expect(run.row({ id: 'b' })?.country).toBe('NO')
  expect(run.row('c')).toBeNull()
  expect(() => run.rows('app.others')).toThrow('Stream load_users writes app.users, not app.others.')
})

test('what cannot be used is a dead letter with its reason, its step and the record as it was', async () => {
  await using run = await testStream(loadUsers, { startMs })
  await run.push([
    { raw: '{ no json', headers: { source: 'api' } },
    { raw: Buffer.from([0xff, 0x00]), key: 'bytes' },
    { raw: null, key: 'gone' },
    { value: { id: 'x', name: 'boom' } },
    { value: { id: 'k', name: 'key' }, key: 'other' },
    { value: { id: 'n', name: 'no time' }, timestampMs: -1 },
    { value: { id: 'f', name: 'future' }, timestampMs: startMs + 2 * 3_600_000 },
    { value: { id: 'y', name: 'fine' } },
  ])
  expect(run.rows().map(({ id }) => id)).toEqual(['y'])
  const letters = run.deadLetters()
  expect(Object.fromEntries(letters.map(({ original, reason, step }) => [original.key, `${reason} at ${step}`]))).toEqual({
    raw: 'decode at source',
    bytes: 'decode at source',
    gone: 'validate at source',
    x: 'step at map-2',
    other: 'validate at source',
    n: 'validate at source',
    f: 'validate at source',
  })
  const poison = letters.find(({ original }) => original.key === 'raw')
  expect(poison).toMatchObject({ message: expect.stringContaining('not JSON'), errorClass: 'RECORD_DECODE' })
  expect(poison?.original).toMatchObject({ topic: 'users_created', timestampMs: startMs, value: { text: '{ no json' } })
  expect(poison?.original.headers.map(({ key, value }) => [key, String(value && Buffer.from(value))])).toEqual([['source', 'api']])
  expect(letters.find(({ original }) => original.key === 'x')).toMatchObject({ message: 'boom is no name', errorClass: 'TypeError' })
})

test('a value that does not fit the schema is what a producer elsewhere wrote: a dead letter that names the field', async () => {
  await using run = await testStream(loadUsers)
  const wrong: unknown = { id: 'a', name: 7 }
  await run.push([{ raw: JSON.stringify(wrong), key: 'a' }])
  expect(run.deadLetters()).toMatchObject([{ reason: 'validate', message: expect.stringMatching(/^name: /) }])
})

test('of two versions of a row the last in the order of the topic stays, whatever their times say', async () => {
  await using run = await testStream(loadUsers)
  const now = run.clock.nowMs()
  await run.push([
    { value: { id: 'a', name: 'late' }, timestampMs: now },
    { value: { id: 'a', name: 'early' }, timestampMs: now - 60_000 },
  ])
  expect(run.row('a')?.name).toBe('EARLY')
})

test('a table that is away is waited for: nothing is lost, the state says why, and the clock brings the next try', async () => {
  await using run = await testStream(loadUsers)
  run.failSink(2)
  await run.push([{ value: { id: 'a', name: 'ada' } }])
  expect(run.rows()).toEqual([])
  expect(run.state).toMatchObject({ is: 'retrying', error: { code: 'UNREACHABLE' } })
  await run.clock.advance(5_000)
  expect(run.rows()).toHaveLength(1)
  expect(run.state).toEqual({ is: 'running' })
  expect(run.deadLetters()).toEqual([])
})

test('a table that stays away holds the records until it is back', async () => {
  await using run = await testStream(loadUsers)
  run.failSink(Infinity)
  await run.push([{ value: { id: 'a', name: 'ada' } }])
  await run.clock.advance(60_000)
  await run.push([{ value: { id: 'b', name: 'bob' } }])
  expect(run.rows()).toEqual([])
  run.failSink(0)
  await run.clock.advance(2_000)
  expect(run.rows().map(({ id }) => id)).toEqual(['a', 'b'])
})

test('a row that the table refuses is a dead letter, and its neighbours are written', async () => {
  await using run = await testStream(loadUsers)
  run.failSink((row) => row.name === 'BOB' && 'too short a name')
  await run.push([{ value: { id: 'a', name: 'ada' } }, { value: { id: 'b', name: 'bob' } }])
  expect(run.rows().map(({ id }) => id)).toEqual(['a'])
  expect(run.deadLetters()).toMatchObject([
    { reason: 'sink', step: 'sink', message: 'app.users: too short a name', original: { key: 'b' } },
  ])
})

test('a value that is none of its column is refused as the real table refuses it', async () => {
  const wide = schema('Wide', { id: z.string(), age: z.int() })
  const cast = stream('cast')
    .from(topic('wide', { value: wide, key: 'id' }))
    .map((value) => ({ ...value, age: value.age > 1 ? value.age * 0.5 : value.age }))
    .to(cassandraTable('app', 'wide', { row: wide, partitionKey: ['id'] }))
  await using run = await testStream(cast)
  await run.push([{ value: { id: 'a', age: 3 } }, { value: { id: 'b', age: 1 } }])
  expect(run.rows()).toEqual([{ id: 'b', age: 1 }])
  expect(run.deadLetters()).toMatchObject([{ reason: 'sink', message: expect.stringContaining('column age') }])
})

test('a step that is retried waits for the clock, one that hangs for its time-out, and one that is slow is waited for', async () => {
  let tries = 0
  let hanging = 0
  const steps = stream('steps')
    .from(usersCreated)
    .map(
      async (user) => {
        await anAnswer(5)
        if (user.name === 'flaky' && ++tries < 3) throw Object.assign(new Error('503'), { retriable: true })
        if (user.name === 'hangs' && ++hanging > 0) return new Promise<typeof user>(() => {})
        return user
      },
      { retries: 5, timeout: '10s', name: 'enrich' },
    )
    .to(createdUsers)
  await using run = await testStream(steps)
  await run.push([{ value: { id: 'slow', name: 'slow' } }])
  expect(run.row('slow')).not.toBeNull()
  await run.push([{ value: { id: 'f', name: 'flaky' } }])
  expect(run.row('f')).toBeNull()
  await run.clock.advance(5_000)
  expect([tries, run.row('f')?.name]).toEqual([3, 'flaky'])
  const pushed = run.push([{ value: { id: 'h', name: 'hangs' } }])
  await expect.poll(() => hanging).toBe(1)
  await run.clock.advance(120_000)
  await pushed
  expect(run.deadLetters()).toMatchObject([{ reason: 'step', step: 'enrich', errorClass: 'TIMED_OUT' }])
})

test('a stream whose every record fails stops, and push says so', async () => {
  await using run = await testStream(loadUsers)
  const push = run.push(Array.from({ length: 200 }, () => ({ raw: 'poison' })))
  await expect(push).rejects.toMatchObject({ code: 'DEAD_LETTER_LIMIT' })
  expect(run.state).toMatchObject({ is: 'stopped' })
  await expect(run.push([{ value: { id: 'a', name: 'ada' } }])).rejects.toMatchObject({ code: 'DEAD_LETTER_LIMIT' })
})

test('a stream that is wrong is refused at once', async () => {
  const unkeyed = stream('unkeyed')
    .from(topic('unkeyed', { value: User }))
    .to(createdUsers)
  await expect(testStream(unkeyed)).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
})

test('a step that never ends does not hold up the end of the test', async () => {
  const stuck = stream('stuck')
    .from(usersCreated)
    .map((user) => (user.name === 'stuck' ? new Promise<typeof user>(() => {}) : user))
    .to(createdUsers)
  const run = await testStream(stuck)
  const pushed = expect(run.push([{ value: { id: 'a', name: 'stuck' } }])).rejects.toMatchObject({ code: 'CLOSED' })
  await run[Symbol.asyncDispose]()
  await pushed
})

test('the same pushes give the same, however often, and twenty runs stand beside each other', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await using run = await testStream(loadUsers)
      for (let i = 0; i < 50; i++) await run.push([{ value: { id: `u${i % 7}`, name: i % 10 === 9 ? 'boom' : `name ${i}` } }])
      return JSON.stringify([run.rows(), run.deadLetters().map(({ original }) => String(original.offset)), run.clock.nowMs()])
    }),
  )
  expect(new Set(outcomes).size).toBe(1)
  expect(JSON.parse(outcomes[0] ?? '')[1]).toHaveLength(5)
})
