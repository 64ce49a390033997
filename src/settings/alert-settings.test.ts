import { describe, expect, test } from 'vitest'
import { secret } from '../authoring/index.ts'
import { messageOf } from '../platform/index.ts'
import { unknownStreams } from './alert-settings.ts'
import { resolveSettings, type Settings } from './settings.ts'

function resolve(alerts: unknown, env: Record<string, string> = {}): Settings {
  return resolveSettings({ config: { name: 'users', alerts }, configPath: 'millrace.config.ts', projectDir: '/p', env })
}

function refusal(alerts: unknown, env: Record<string, string> = {}): string {
  try {
    resolve(alerts, env)
  } catch (error) {
    return messageOf(error)
  }
  return 'it was taken'
}

const url = 'https://hooks.example.org/a'

describe('the webhook', () => {
  test.each([
    ['a text', url],
    ['a reference', secret.env('HOOK')],
    ['a section', { url: secret.env('HOOK') }],
  ])('is %s', (_what, webhook) => {
    const { alerts, warnings } = resolve({ webhook }, { HOOK: url })
    expect(alerts.webhook).toEqual({ url, headers: {} })
    expect(warnings).toEqual([])
  })

  test.each([
    ['nothing', undefined],
    ['a text', 'https://elsewhere.example.org/b'],
    ['a reference', secret.env('NOT_SET')],
  ])('is what the environment says, where the config says %s', (_what, webhook) => {
    expect(resolve({ webhook }, { MILLRACE_ALERTS_WEBHOOK: url }).alerts.webhook).toEqual({ url, headers: {} })
  })

  test('has headers by reference', () => {
    const { alerts } = resolve({ webhook: { url, headers: { authorization: secret.env('KEY') } } }, { KEY: 'Bearer x' })
    expect(alerts.webhook?.headers).toEqual({ authorization: 'Bearer x' })
  })

  test('whose URL holds a key, or whose header is written out, is warned of without repeating it', () => {
    const webhook = { url: 'http://hooks.example.org/services/s3crets3crets3cret', headers: { authorization: 's3cret' } }
    expect(resolve({ webhook }).warnings).toEqual([
      'alerts.webhook.url is written in millrace.config.ts: use secret.env(…) or secret.file(…).',
      'alerts.webhook.headers.authorization is written in millrace.config.ts: use secret.env(…) or secret.file(…).',
      'alerts.webhook.url is not https: the headers go to hooks.example.org unencrypted.',
    ])
  })

  test.each([
    ['another scheme', { url: 'ftp://s3cret/' }, '"alerts.webhook.url": is not a URL'],
    ['a password', { url: 'https://u:s3cret@h/' }, '"alerts.webhook.url": holds a user or password'],
    ['a header of two lines', { url, headers: { a: 's3cret\nb: c' } }, '"alerts.webhook.headers.a": is no HTTP header'],
    ['a header without a name', { url, headers: { 'a b': 's3cret' } }, '"alerts.webhook.headers.a b": is no HTTP header'],
  ])('with %s is refused without repeating it', (_what, webhook, message) => {
    expect(refusal({ webhook })).toContain(message)
    expect(refusal({ webhook })).not.toContain('s3cret')
  })
})

describe('rules', () => {
  test('of a stream are laid over those of all', () => {
    const rules = { lag: { records: 5, for: '1s' }, deadLetters: false, stalled: { for: '2m' } }
    const { alerts } = resolve({ rules, streams: { a: { lag: { records: 9 }, deadLetters: true, stopped: false } } })
    expect(alerts.rules).toMatchObject({ lag: { records: 5, forMs: 1_000 }, deadLetters: null, stalled: { forMs: 120_000 } })
    expect(alerts.streams.get('a')).toEqual({
      lag: { records: 9, forMs: 1_000 },
      deadLetters: { records: 0, withinMs: 900_000 },
      stalled: { forMs: 120_000 },
      stopped: false,
    })
  })

  test('of a stream that is not there are warned of', () => {
    const { alerts } = resolve({ streams: { load_user: { lag: false }, load_users: { lag: false } } })
    expect(unknownStreams(alerts, ['load_users'])).toEqual(['alerts.streams.load_user: there is no such stream; there is load_users.'])
    expect(unknownStreams(alerts, [])).toHaveLength(2)
  })

  test('are switched by the environment', () => {
    const env = { MILLRACE_ALERTS_LAG: 'false', MILLRACE_ALERTS_STALLED: 'true', MILLRACE_ALERTS_PART_FAILED_FOR: '5s' }
    const { rules } = resolve({ rules: { stalled: false } }, env).alerts
    expect(rules).toMatchObject({ lag: null, stalled: { forMs: 60_000 }, partFailed: { forMs: 5_000 } })
  })

  test.each([
    [{ lag: { record: 5 } }, '"alerts.rules.lag.record": there is no such key'],
    [{ lag: { records: -1 } }, '"alerts.rules.lag.records": a number of records is a whole number'],
    [{ lag: { for: '5 minutes' } }, `"alerts.rules.lag.for": write a number and ms, s, m, h or d, such as '90s'`],
    [{ lag: 5 }, '"alerts.rules.lag": write false, true or { records, for }'],
    [{ stopped: {} }, '"alerts.rules.stopped": is not true or false'],
    [{ partsFailed: true }, '"alerts.rules.partsFailed": there is no such key'],
  ])('%o are refused: one message', (rules, message) => {
    expect(refusal({ rules })).toContain(message)
  })
})
