import { expect, test } from 'vitest'
import { generateUsers, type UserVersion } from './users-api.ts'
import { judge } from './verify.ts'

const given = generateUsers(7, 1_000, 10)
const poison = given.filter((user) => user.poison)
const rowsOf = (users: readonly UserVersion[]): Map<string, number> =>
  new Map(users.filter((user) => !user.poison).map(({ id, version }) => [id, version]))
const right = { inTopic: given, dead: poison, rows: rowsOf(given) }

test('the users of a seed are the same each time, a fifth of them later versions', () => {
  expect(generateUsers(7, 1_000, 10)).toEqual(given)
  expect(generateUsers(8, 1_000, 10)).not.toEqual(given)
  expect(poison).toHaveLength(10)
  const updates = given.filter(({ version }) => version > 1).length
  expect(updates).toBeGreaterThan(150)
  expect(updates).toBeLessThan(250)
})

test('what is all there is not lost, and doubles are counted', () => {
  expect(judge(given, right)).toMatchObject({ recordsIn: 1_000, lost: 0, doubledInTopic: 0, deadLetters: 10, doubledDeadLetters: 0 })
  const page = given.slice(-50)
  const [first] = poison
  const doubled = { ...right, inTopic: [...given, ...page], dead: [...poison, ...(first ? [first] : [])] }
  expect(judge(given, doubled)).toMatchObject({ lost: 0, doubledInTopic: 50, doubledDeadLetters: 1 })
})

test('a version that is not in the topic, a row of an old version, a row too many and a missing dead letter are losses', () => {
  const updated = given.findLast((user) => user.version > 1 && !user.poison)
  expect(updated).toBeDefined()
  const { id, version } = updated ?? { id: '', version: 0 }
  expect(judge(given, { ...right, inTopic: given.filter((user) => user !== updated) }).examples[0]).toMatch(
    `${id}/${version} is not in the topic`,
  )
  expect(judge(given, { ...right, rows: new Map(right.rows).set(id, version - 1) }).examples[0]).toMatch(
    `${id} is at ${version - 1}, by the API at ${version}`,
  )
  expect(judge(given, { ...right, rows: new Map(right.rows).set('nobody', 1) }).lost).toBeGreaterThan(0)
  expect(judge(given, { ...right, rows: new Map([...right.rows].slice(1)) }).lost).toBeGreaterThan(0)
  expect(judge(given, { ...right, dead: poison.slice(1) })).toMatchObject({ lost: 1, deadLetters: 9 })
  expect(judge(given, { ...right, dead: [...poison, ...given.filter((user) => !user.poison).slice(0, 1)] }).lost).toBe(1)
})
