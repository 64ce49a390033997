import { durationMs, type SecretText } from '../core/index.ts'
import { isLoopback } from '../platform/index.ts'
import type { ParsedConfig } from './config-schema.ts'
import type { SecretReader } from './secrets.ts'

type AlertsSection = NonNullable<ParsedConfig['alerts']>
type StreamSection = NonNullable<AlertsSection['streams']>[string]

/** Where messages go. Both are secrets: many receivers have their key in the path. Never log them (P8). */
export interface Webhook {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Of one stream; null: switched off. */
export interface StreamRules {
  readonly lag: { readonly records: number; readonly forMs: number } | null
  readonly deadLetters: { readonly records: number; readonly withinMs: number } | null
  readonly stalled: { readonly forMs: number } | null
  readonly stopped: boolean
}

/** Every default filled in. */
export interface AlertSettings {
  readonly webhook: Webhook | null
  readonly repeatEveryMs: number
  readonly resolveAfterMs: number
  readonly rules: StreamRules & { readonly runFailed: boolean; readonly partFailed: { readonly forMs: number } | null }
  /** Of the streams that the config names; the others have `rules`. */
  readonly streams: ReadonlyMap<string, StreamRules>
}

/** @throws MillraceError CONFIG_INVALID naming the key, never the URL or a header (P8) */
export function alertSettings(section: AlertsSection, secrets: SecretReader): AlertSettings {
  const { webhook, repeatEvery, resolveAfter, rules = {}, streams = {} } = section
  const { partFailed = {} } = rules
  return {
    webhook: webhook ? webhookOf(webhook, secrets) : null,
    repeatEveryMs: durationMs(repeatEvery ?? '4h'),
    resolveAfterMs: durationMs(resolveAfter ?? '1m'),
    rules: {
      ...streamRules(rules),
      runFailed: rules.runFailed ?? true,
      partFailed: partFailed === false ? null : { forMs: durationMs(partFailed.for ?? '30s') },
    },
    streams: new Map(Object.entries(streams).map(([name, own]) => [name, streamRules(laidOver(rules, own))])),
  }
}

/** A warning for each stream that has rules and is not there: they would never be judged. */
export function unknownStreams({ streams }: AlertSettings, known: readonly string[]): string[] {
  return [...streams.keys()]
    .filter((name) => !known.includes(name))
    .map(
      (name) =>
        `alerts.streams.${name}: there is no such stream; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}.`,
    )
}

/** A stream's own words win, key by key; a rule that is off for all is on for a stream that says anything of it. */
function laidOver(rules: StreamSection, own: StreamSection): StreamSection {
  const lay = <R extends object>(all: R | false | undefined, one: R | false | undefined): R | false | undefined =>
    one === undefined || one === false || all === false || all === undefined ? (one ?? all) : { ...all, ...one }
  return {
    lag: lay(rules.lag, own.lag),
    deadLetters: lay(rules.deadLetters, own.deadLetters),
    stalled: lay(rules.stalled, own.stalled),
    stopped: own.stopped ?? rules.stopped,
  }
}

function streamRules({ lag = {}, deadLetters = {}, stalled = {}, stopped }: StreamSection): StreamRules {
  return {
    lag: lag === false ? null : { records: lag.records ?? 10_000, forMs: durationMs(lag.for ?? '5m') },
    deadLetters: deadLetters === false ? null : { records: deadLetters.records ?? 0, withinMs: durationMs(deadLetters.within ?? '15m') },
    stalled: stalled === false ? null : { forMs: durationMs(stalled.for ?? '60s') },
    stopped: stopped ?? true,
  }
}

function webhookOf({ url, headers = {} }: NonNullable<AlertsSection['webhook']>, secrets: SecretReader): Webhook {
  const text = secrets.text(url, { key: 'alerts.webhook.url', isSensitive: isSensitiveUrl(url) })
  const parsed = URL.canParse(text) ? new URL(text) : null
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw secrets.error('alerts.webhook.url', 'is not a URL; write https://host/path')
  if (parsed.username !== '' || parsed.password !== '')
    throw secrets.error('alerts.webhook.url', 'holds a user or password: write an authorization header instead')
  const read = Object.entries(headers).map(([name, value]): [string, string] => {
    const key = `alerts.webhook.headers.${name}`
    const content = secrets.text(value, { key, isSensitive: true })
    // What Node would throw later repeats the value.
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(content)) throw secrets.error(key, 'is no HTTP header')
    return [name, content]
  })
  if (read.length > 0 && parsed.protocol === 'http:' && !isLoopback(parsed.hostname))
    secrets.warnings.push(`alerts.webhook.url is not https: the headers go to ${parsed.host} unencrypted.`)
  return { url: text, headers: Object.fromEntries(read) }
}

/** Of many receivers a part of the path, or the query, is the key. */
function isSensitiveUrl(url: SecretText): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false
  const { pathname, search } = new URL(url)
  return search !== '' || /[\w-]{16}/.test(pathname)
}
