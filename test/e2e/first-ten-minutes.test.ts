import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findChromium } from '../browser/chromium.ts'
import { openRows } from '../harness/console-rows.ts'
import { readDocument } from '../harness/documents.ts'
import { startLocalRegistry, type LocalRegistry } from '../harness/local-registry.ts'
import { packMillrace, succeed, usersEnvironment } from '../harness/packed.ts'
import { PageWalk } from '../harness/page-walk.ts'
import { root } from '../harness/project.ts'
import { idsInTable, steps, whatIsThere, withTimes } from '../harness/ten-minutes.ts'

let folder: string
let registry: LocalRegistry
let env: NodeJS.ProcessEnv
let walk: PageWalk
const times = new Map<string, number>()
const chromium = findChromium()

/** Both packages as they would be published, on a registry of this machine; npm's own runs and its cache of `npm create` begin anew. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-ten-minutes-'))
  packMillrace(join(folder, 'millrace'))
  const create = join(folder, 'create-millrace')
  mkdirSync(create)
  writeFileSync(join(create, 'package.json'), readDocument('packages/create-millrace/package.json'))
  succeed('npm', ['pack', '--pack-destination', create, join(root, 'packages/create-millrace')], { cwd: folder, env: usersEnvironment })
  const npm = (...args: string[]): string => succeed('npm', args, { cwd: folder, env: usersEnvironment }).trim()
  registry = await startLocalRegistry([join(folder, 'millrace'), create], npm('config', 'get', 'registry'))
  mkdirSync(join(folder, 'npm'))
  const cache = join(npm('config', 'get', 'cache'), '_cacache')
  mkdirSync(cache, { recursive: true })
  symlinkSync(cache, join(folder, 'npm/_cacache'))
  const settings = {
    registry: registry.url,
    cache: join(folder, 'npm'),
    yes: 'true',
    prefer_offline: 'true',
    audit: 'false',
    fund: 'false',
  }
  env = { ...usersEnvironment, ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_config_${name}`, value])) }
  const dir = join(folder, 'empty')
  mkdirSync(dir)
  walk = new PageWalk({ dir, env })
}, 400_000)

afterAll(async () => {
  await walk?.[Symbol.asyncDispose]()
  await registry?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 120_000)

/** What is asked of a step beside what the page shows. */
const besides: Readonly<Record<string, () => Promise<void>>> = {
  'Create it': async () => {
    const files = ['.gitignore', 'README.md', 'millrace.config.ts', 'package.json', 'tsconfig.json', 'users.pipeline.ts', 'users.test.ts']
    expect(readdirSync(walk.dir)).toEqual(expect.arrayContaining(files))
    expect(JSON.parse(readFileSync(join(walk.dir, 'package.json'), 'utf8'))).toMatchObject({ name: 'my-users', private: true })
    expect(readFileSync(join(walk.dir, 'millrace.config.ts'), 'utf8')).toContain("name: 'my-users'")
    await expect(walk.run('cd .. && npm create millrace my-users')).rejects.toThrow(/exit 73[^]*would be overwritten/)
  },
  'See the rows': async () => {
    if (chromium === null) return
    const [id = ''] = await idsInTable(walk)
    const [, link = ''] = /(http:\S+\/sign-in#\S+)/.exec(walk.terminal) ?? []
    expect(id).toMatch(/^[\da-f-]{36}$/)
    await openRows({ chromium, link, table: 'spark_streams.created_users', text: id })
  },
  'Test it': async () => {
    await walk.run('npm run types')
  },
  'Kill it': async () => {
    const { flow, keys, rows } = await whatIsThere(walk)
    expect(flow).toMatchObject({ inTopic: flow.fetched + 1, inTable: flow.inTopic, deadLetters: 0, lag: 0 })
    expect(flow.fetched).toBeGreaterThanOrEqual(80)
    expect(rows.toSorted()).toEqual([...new Set(keys)].toSorted())
    expect([keys.length, rows.length]).toEqual([flow.inTopic, flow.inTable])
  },
}

let isLost = false

// The last step is on a real Kafka: test/engines/first-ten-minutes.test.ts.
test.each(steps.slice(0, -1))('$title', { timeout: 300_000 }, async (step) => {
  if (isLost) throw new Error('the steps before failed')
  isLost = true
  times.set(step.title, await walk.step(step))
  await besides[step.name]?.()
  isLost = false
})

test('the page says how long each step takes', () => {
  if (process.env.MILLRACE_WRITE_DOCS === '1') writeFileSync(join(root, 'docs/first-ten-minutes.md'), withTimes(times))
  const told = readDocument('docs/first-ten-minutes.md').matchAll(/^\| (\d+\. .*?) +\| [\d.]+ s +\|$/gm)
  expect([...told].map(([, title]) => title)).toEqual(steps.slice(0, -1).map(({ title }) => title))
})
