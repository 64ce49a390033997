import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { resolveFileTail } from '../file/options.ts'
import { openFileTail } from '../file/source.ts'
import { generatorOptions, type GeneratorOptions } from '../generator/options.ts'
import { openGenerator } from '../generator/source.ts'
import { openHttpPoll } from '../http/open.ts'
import { resolveHttpPoll } from '../http/options.ts'
import { atPath } from '../http/json-path.ts'
import { json, jumpingClock, startScriptedServer } from '../http/scripted-server.ts'
import { readOptions } from '../option-table.ts'
import { openRandomUser } from '../random-user/source.ts'
import { resolveRandomUser } from '../random-user/spec.ts'
import { startRandomUserStandIn } from '../random-user/stand-in/start.ts'
import { systemClock } from '../../platform/index.ts'
import { resolveWebhook } from '../webhook/options.ts'
import { openWebhook } from '../webhook/source.ts'
import { rereadableSourceConformance, sourceConformance } from './source.ts'
import type { TestApi } from './test-api.ts'

const under = (subject: string): TestApi => ({
  test: (name, body) => test(`${subject}: ${name}`, body),
  assert: { deepEqual: (actual, expected) => expect(actual).toEqual(expected) },
})
const world = () => ({ clock: jumpingClock(), random: () => 0, fetch: globalThis.fetch })

rereadableSourceConformance(under('RandomUser'), async () => {
  const server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const endpoint = { url: server.url, is: 'local', why: 'a test', seed: 's' } as const
  const source = openRandomUser(resolveRandomUser('random_user', { every: '1s', results: 4 }), endpoint, world(), () => {})
  return { source, keyOf: (user) => String(atPath(user, 'login.uuid')), [Symbol.asyncDispose]: () => server.close() }
})

rereadableSourceConformance(under('HTTP poll by page'), async () => {
  const server = await startScriptedServer([
    (response, url) => {
      const page = Number(url.searchParams.get('page'))
      json([{ id: 2 * page }, { id: 2 * page + 1 }])(response, url)
    },
  ])
  const options = resolveHttpPoll('numbers', { url: server.url, every: '1s', pagination: { is: 'page' } })
  const source = openHttpPoll(options, { world: world(), env: {}, log: () => {} })
  return { source, keyOf: ({ id }) => String(id), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
})

const folder = mkdtempSync(join(tmpdir(), 'millrace-conformance-'))
afterAll(() => rmSync(folder, { recursive: true }))

rereadableSourceConformance(under('files'), async () => {
  const file = join(folder, 'numbers.ndjson')
  if (!existsSync(file)) writeFileSync(file, Array.from({ length: 20 }, (_, id) => `${JSON.stringify({ id })}\n`).join(''))
  const options = resolveFileTail('numbers', { path: '*.ndjson', format: 'ndjson', records: 3 })
  const source = openFileTail('numbers', options, { clock: jumpingClock(), folder, log: () => {} })
  return { source, keyOf: ({ id }) => String(id), [Symbol.asyncDispose]: async () => {} }
})

rereadableSourceConformance(under('generator'), async () => {
  const make: GeneratorOptions['make'] = (n, random) => ({ id: random.uuid(), n })
  const source = openGenerator('made', readOptions(generatorOptions, 'made', { make, records: 5 }), jumpingClock())
  return { source, keyOf: ({ id }) => String(id), [Symbol.asyncDispose]: async () => {} }
})

/** A sender that sends each record, under its key, until it is acknowledged. */
function startSender(urlNow: () => string | null): AsyncDisposable {
  const end = new AbortController()
  const sending = (async () => {
    for (let n = 0; !end.signal.aborted;) {
      const url = urlNow()
      const headers = { 'content-type': 'application/json', 'idempotency-key': `k${n}` }
      const response = url === null ? null : await fetch(url, { method: 'POST', headers, body: JSON.stringify({ n }) }).catch(() => null)
      if (response?.status === 200) n++
      else await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  return {
    [Symbol.asyncDispose]: () => {
      end.abort()
      return sending
    },
  }
}

sourceConformance(under('webhook'), async () => {
  let url: string | null = null
  const log = (line: string): void => {
    if (line.startsWith('listens at ')) url = line.slice('listens at '.length)
  }
  const options = resolveWebhook('sent', { port: 0, idempotency: { header: 'Idempotency-Key', field: 'id' } })
  const source = openWebhook('sent', options, { clock: systemClock, env: {}, folder, log })
  const sender = startSender(() => url)
  return { source, keyOf: ({ id }) => String(id), [Symbol.asyncDispose]: () => sender[Symbol.asyncDispose]() }
})
