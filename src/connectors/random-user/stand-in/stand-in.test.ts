import { request } from 'node:http'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isObject } from '../../options-reader.ts'
import { randomUserNationalities, type RandomUser } from '../random-user.ts'
import { loadNationality } from './nationalities.ts'
import { readQuery } from './query.ts'
import { startRandomUserStandIn } from './start.ts'
import { usersOfPage } from './users.ts'

interface Answer {
  results: RandomUser[]
  info: unknown
  error?: string
}

async function ask(url: string): Promise<{ status: number; body: Answer }> {
  const response = await fetch(url)
  const body: Answer = JSON.parse(await response.text())
  return { status: response.status, body }
}

test('seed and page decide the users, whatever the server and the number asked for', async () => {
  await using first = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  await using second = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const { body: ten } = await ask(`${first.url}?seed=a&page=3&results=10`)
  const { body: two } = await ask(`${second.url}?seed=a&page=3&results=2`)
  expect(ten.results.slice(0, 2)).toEqual(two.results)
  expect(two.info).toEqual({ seed: 'a', results: 2, page: 3, version: '1.4' })
})

test('other pages and other seeds are other users', async () => {
  const us = await loadNationality('US')
  const uuids = (['a', 'b'] as const).flatMap((seed) =>
    [1, 2, 3].flatMap((page) => usersOfPage({ seed, page, gender: null, nationalities: [us] }, 1000).map((user) => user.login.uuid)),
  )
  expect(new Set(uuids).size).toBe(6000)
  for (const uuid of uuids) expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('the first user of a known seed is the one that earlier versions gave', async () => {
  const [user] = usersOfPage({ seed: 'millrace', page: 1, gender: null, nationalities: [await loadNationality('US')] }, 1)
  expect(user?.login.uuid).toMatchInlineSnapshot(`"4d5ed268-e678-42db-9138-874567449340"`)
})

test.each(randomUserNationalities)('users of %s have every field', async (nat) => {
  const users = usersOfPage({ seed: 's', page: 1, gender: null, nationalities: [await loadNationality(nat)] }, 50)
  for (const user of users) {
    expect(user.nat).toBe(nat)
    expect(user.email).toMatch(/^[a-z0-9]+\.[a-z0-9]+@example\.com$/)
    expect(Number.isNaN(Date.parse(user.dob.date)) || Date.parse(user.registered.date) < Date.parse(user.dob.date)).toBe(false)
    for (const text of [user.name.first, user.name.last, user.location.street.name, user.location.city, user.location.state])
      expect(text).not.toBe('')
    expect(new URL(user.picture.medium).protocol).toBe('data:')
  }
})

test('inc, exc, nat and gender choose', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const { body } = await ask(`${server.url}?seed=a&results=20&nat=no,fi&gender=female&inc=login,nat,gender&exc=login`)
  expect(body.results.map((user) => Object.keys(user))).toEqual(Array.from({ length: 20 }, () => ['nat', 'gender']))
  expect(new Set(body.results.map((user) => user.nat))).toEqual(new Set(['NO', 'FI']))
  expect(new Set(body.results.map((user) => user.gender))).toEqual(new Set(['female']))
})

test.each(['results=0', 'results=5001', 'results=two', 'page=-1', 'page=1e3', 'nat=xx', 'inc=shoe', 'gender=cat', 'format=yaml'])(
  '%s is answered with an error and status 400',
  async (query) => {
    await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
    const { status, body } = await ask(`${server.url}?${query}`)
    expect(status).toBe(400)
    expect(body.error).toContain(query.split('=')[0])
  },
)

test('parameters of any shape give a query or a reason, never a crash', () => {
  const names = fc.constantFrom('results', 'page', 'seed', 'nat', 'inc', 'exc', 'gender', 'format')
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.string())), (pairs) => {
      const query = readQuery(new URLSearchParams(pairs))
      expect(typeof query === 'string' || (query.results >= 1 && query.results <= 5000 && query.page >= 1)).toBe(true)
    }),
  )
})

test('other paths, methods, hosts and origins are refused', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  expect((await fetch(new URL('/health', server.url))).status).toBe(200)
  expect((await fetch(new URL('/other', server.url))).status).toBe(404)
  expect((await fetch(server.url, { method: 'POST' })).status).toBe(405)
  expect((await fetch(server.url, { headers: { origin: 'https://evil.test' } })).status).toBe(403)
  const rebound = await new Promise<number>((resolve) => {
    request(server.url, { headers: { host: 'evil.test' } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).end()
  })
  expect(rebound).toBe(403)
})

test('format=pretty is the same JSON for people', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const text = await (await fetch(`${server.url}?seed=a&format=pretty`)).text()
  expect(text.startsWith('{\n  "results"')).toBe(true)
  expect(isObject(JSON.parse(text))).toBe(true)
})

test('a host beyond loopback is refused, a busy port named', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  await expect(startRandomUserStandIn({ host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'CREDENTIALS_REQUIRED' })
  const port = Number(new URL(server.url).port)
  await expect(startRandomUserStandIn({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'PORT_BUSY' })
})
