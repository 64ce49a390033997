import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TokenSource } from '../../core/index.ts'
import { systemClock } from '../../platform/index.ts'
import { loadSettings } from '../load-settings.ts'
import { createTokenProcess } from './token-process.ts'

const root = join(import.meta.dirname, '../../..')
const config = `import { defineConfig } from 'millrace'
let calls = 0
export default defineConfig({
  name: 'users',
  kafka: {
    bootstrapServers: ['127.0.0.1:1'],
    sasl: {
      mechanism: 'OAUTHBEARER',
      token: async () => {
        calls++
        if (process.env.TEST_TOKEN === 'fail') throw new Error('the identity provider answered 503')
        if (process.env.TEST_TOKEN === 'exit') process.exit(3)
        return process.env.TEST_TOKEN + '-' + process.pid + '-' + calls
      },
    },
  },
})
`

let dir: string
let source: TokenSource

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-tokens-'))
  cpSync(join(root, 'examples/users/package.json'), join(dir, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  writeFileSync(join(dir, 'millrace.config.ts'), config)
  const { kafka } = await loadSettings({ projectDir: dir, env: {} })
  if (kafka.remote?.sasl?.mechanism !== 'OAUTHBEARER') throw new Error('the config was not read as written')
  source = kafka.remote.sasl.token
})
afterAll(() => {
  delete process.env.TEST_TOKEN
  rmSync(dir, { recursive: true })
})

/** A clock on which a minute has passed whenever it is looked at: no token is given out twice. */
let now = 0
const hasty = { ...systemClock, nowMs: (): number => (now += 60_000) }

/** The child has the environment of this process when it is started. */
function tokensWith(token: string): ReturnType<typeof createTokenProcess> & { pids: number[] } {
  process.env.TEST_TOKEN = token
  const pids: number[] = []
  return Object.assign(createTokenProcess({ owner: dir, onLine: () => undefined, onSpawn: (pid) => pids.push(pid), clock: hasty }), {
    pids,
  })
}

test("the config's function is kept as a bundle that children can call", () => {
  expect(source).toMatchObject({
    from: 'function',
    fn: { node: 'kafka.sasl.token', module: expect.stringContaining('/.millrace/bundles/') },
  })
})

test('tokens come from a child that stays warm', { timeout: 30_000 }, async () => {
  const process = tokensWith('t')
  try {
    const first = await process.tokens(source)
    const second = await process.tokens(source)
    expect([first.value, second.value]).toEqual([`t-${process.pids[0]}-1`, `t-${process.pids[0]}-2`])
    expect(process.pids).toHaveLength(1)
  } finally {
    await process.close()
  }
})

test('what the function throws is told as its own failure, and may pass', { timeout: 30_000 }, async () => {
  const process = tokensWith('fail')
  try {
    await expect(process.tokens(source)).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      retriable: true,
      message: expect.stringContaining('kafka.sasl.token of millrace.config.ts failed: the identity provider answered 503'),
    })
  } finally {
    await process.close()
  }
})

test('a function that ends its process is told as such, and asked in a new process the next time', { timeout: 30_000 }, async () => {
  const tokens = tokensWith('exit')
  try {
    await expect(tokens.tokens(source)).rejects.toThrow(/its process was ended \(exit code 3/)
    process.env.TEST_TOKEN = 'again'
    expect((await tokens.tokens(source)).value).toMatch(/^again-/)
    expect(tokens.pids).toHaveLength(2)
  } finally {
    await tokens.close()
  }
})
