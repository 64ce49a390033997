import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fileTailOptions } from '../file/options.ts'
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
import { rereadableSourceConformance } from './source.ts'
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
  const options = readOptions(fileTailOptions, 'numbers', { path: '*.ndjson', format: 'ndjson', records: 3 })
  const source = openFileTail('numbers', options, { clock: jumpingClock(), folder, log: () => {} })
  return { source, keyOf: ({ id }) => String(id), [Symbol.asyncDispose]: async () => {} }
})

rereadableSourceConformance(under('generator'), async () => {
  const make: GeneratorOptions['make'] = (n, random) => ({ id: random.uuid(), n })
  const source = openGenerator('made', readOptions(generatorOptions, 'made', { make, records: 5 }), jumpingClock())
  return { source, keyOf: ({ id }) => String(id), [Symbol.asyncDispose]: async () => {} }
})
