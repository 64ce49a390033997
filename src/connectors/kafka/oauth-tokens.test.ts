import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../platform/index.ts'
import { kafkaOptions } from './kafka-options.ts'
import { createOauthTokens } from './oauth-tokens.ts'

const fn = { module: 'm', export: 'default', node: 'kafka.sasl.token', digest: 'd' }
const source = { from: 'function', fn } as const

function jwt(expSeconds: number): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: 'millrace', exp: expSeconds })}.`
}

/** A clock that stands still until it is told. */
function standing(nowMs: number): typeof systemClock & { pass(ms: number): void } {
  let now = nowMs
  return { ...systemClock, nowMs: () => now, pass: (ms) => void (now += ms) }
}

describe('OAUTHBEARER tokens', () => {
  test('are asked for once by all who connect together, and again shortly before they end', async () => {
    const clock = standing(1_000_000)
    let calls = 0
    const tokens = createOauthTokens(() => Promise.resolve(jwt(1_000 + 300 * ++calls)), clock)
    const [first, same] = await Promise.all([tokens(source), tokens(source)])
    expect(first).toEqual({ value: jwt(1_300), expiresAtMs: 1_300_000 })
    expect(same).toBe(first)
    clock.pass(239_000)
    expect(await tokens(source)).toBe(first)
    clock.pass(2_000)
    expect(await tokens(source)).toMatchObject({ expiresAtMs: 1_600_000 })
    expect(calls).toBe(2)
  })

  test('that do not say when they end serve those who connect together', async () => {
    const clock = standing(0)
    let calls = 0
    const tokens = createOauthTokens(() => Promise.resolve(`opaque-${++calls}`), clock)
    expect([await tokens(source), await tokens(source)]).toEqual([{ value: 'opaque-1' }, { value: 'opaque-1' }])
    clock.pass(5_000)
    expect(await tokens(source)).toEqual({ value: 'opaque-2' })
  })

  test('come anew after a failure, which is retriable and says whose it is', async () => {
    let calls = 0
    const tokens = createOauthTokens(() => (calls++ === 0 ? Promise.reject(new Error('identity provider: 503')) : Promise.resolve('t')))
    await expect(tokens(source)).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      retriable: true,
      message: 'kafka.sasl.token of millrace.config.ts failed: identity provider: 503.',
    })
    expect(await tokens(source)).toEqual({ value: 't' })
  })

  test.each([
    ['nothing', undefined, /gave no token/],
    ['an object without a value', { token: 's3cret' }, /gave no token/],
    ['an end that is no time', { value: 's3cret', expiresAtMs: 'soon' }, /"expiresAtMs" is not a number/],
    ['extensions that are no texts', { value: 's3cret', extensions: { a: 1 } }, /"extensions" are not/],
    ['a token that has ended', { value: 's3cret', expiresAtMs: 1 }, /has ended already/],
  ])('are refused without being shown: %s', async (_what, returned, message) => {
    const refusal: unknown = await createOauthTokens(() => Promise.resolve(returned))(source).catch((error: unknown) => error)
    expect(String(refusal)).toMatch(message)
    expect(String(refusal)).not.toContain('s3cret')
  })

  test('of a file are read anew for each connection', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-token-'))
    const path = join(dir, 'token')
    const clock = standing(0)
    const tokens = createOauthTokens(() => Promise.reject(new Error('not called')), clock)
    writeFileSync(path, 'first\n')
    expect(await tokens({ from: 'file', path })).toEqual({ value: 'first' })
    writeFileSync(path, 'second\n')
    clock.pass(5_000)
    expect(await tokens({ from: 'file', path })).toEqual({ value: 'second' })
    rmSync(dir, { recursive: true })
    clock.pass(5_000)
    await expect(tokens({ from: 'file', path })).rejects.toThrow(/token cannot be read \(ENOENT\)/)
  })

  test('carry the extensions of the config and their own', async () => {
    const tokens = createOauthTokens(() => Promise.resolve({ value: 't', extensions: { pool: 'p' } }))
    const sasl = { mechanism: 'OAUTHBEARER', token: source, extensions: { cluster: 'c', pool: 'default' } } as const
    const options = kafkaOptions({ bootstrapServers: ['k:1'], tls: {}, sasl }, tokens)
    expect(options).toMatchObject({ bootstrapServers: ['k:1'], tls: {}, sasl: { mechanism: 'OAUTHBEARER' } })
    const given = options.sasl?.mechanism === 'OAUTHBEARER' ? await options.sasl.token() : null
    expect(given).toEqual({ value: 't', extensions: { cluster: 'c', pool: 'p' } })
  })
})
