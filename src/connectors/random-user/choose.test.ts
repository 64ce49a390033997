import { expect, test } from 'vitest'
import { silentLogger } from '../../platform/index.ts'
import { jumpingClock } from '../http/scripted-server.ts'
import { chooseRandomUser, type ChooseRandomUser } from './choose.ts'
import { startRandomUserStandIn } from './stand-in/start.ts'

const startLocal = () => startRandomUserStandIn({ host: '127.0.0.1', port: 0 })

async function choose(mode: ChooseRandomUser['mode'], url: string | null, answer: () => Promise<Response>, timersFire = false) {
  let asked = 0
  const world = {
    clock: jumpingClock({ timersFire }),
    random: () => 0,
    fetch: (_input: unknown, init?: RequestInit): Promise<Response> => {
      asked++
      const aborted = new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
      return Promise.race([answer(), aborted])
    },
  }
  const { endpoint, standIn } = await chooseRandomUser({ mode, url, seed: 's', startLocal, log: silentLogger, world })
  await standIn?.close()
  return { ...endpoint, asked, started: standIn !== null }
}

const good = () => Promise.resolve(Response.json({ results: [{ login: { uuid: 'u' } }] }))

test('auto takes the live API when it answers with a user', async () => {
  expect(await choose('auto', null, good)).toMatchObject({
    is: 'live',
    url: 'https://randomuser.me/api/',
    why: 'it answered',
    asked: 1,
    started: false,
    seed: 's',
  })
})

test.each([
  ['refuses the connection', () => Promise.reject(new Error('fetch failed')), false, /fetch failed/],
  ['answers an error', () => Promise.resolve(Response.json({ error: 'busy' })), false, /busy/],
  ['answers something else', () => Promise.resolve(Response.json({ hello: 'portal' })), false, /holds no user/],
  ['does not answer within a second', () => new Promise<Response>(() => {}), true, /no whole answer within 1000 ms/],
])('auto takes the stand-in when the live API %s, and says so', async (_name, answer, timersFire, why) => {
  const chosen = await choose('auto', null, answer, timersFire)
  expect(chosen).toMatchObject({ is: 'local', started: true, asked: 1 })
  expect(chosen.why).toMatch(why)
})

test('a named server is taken without asking, and local means local', async () => {
  expect(await choose('auto', 'http://other/api/', good)).toMatchObject({
    is: 'live',
    url: 'http://other/api/',
    asked: 0,
    why: 'MILLRACE_RANDOMUSER_URL names it',
  })
  expect(await choose('live', null, good)).toMatchObject({ is: 'live', asked: 0 })
  expect(await choose('local', 'http://other/api/', good)).toMatchObject({ is: 'local', asked: 0, started: true })
})
