import { readFile } from 'node:fs/promises'
import { oauthToken, type FunctionRef, type OauthToken, type TokenSource } from '../../core/index.ts'
import { errnoOf, messageOf, MillraceError, systemClock, type Clock } from '../../platform/index.ts'
import type { OauthTokens } from './kafka-options.ts'

/** How long before its end a token is no longer given out: time enough to connect with it. At most half of what it has left when it comes. */
const marginMs = 60_000
/** A token that does not say when it ends serves the connections that are opened together, no more. */
const unknownEndMs = 5_000
/** Longest that one may take to come. */
const limitMs = 30_000

/**
 * Tokens for the clients of one process: one call at a time, kept until shortly before the end. A failure is not kept; it is
 * retriable, since an identity provider comes back.
 * @param call runs the author's function, here or in a child
 */
export function createOauthTokens(call: (fn: FunctionRef) => Promise<unknown>, clock: Clock = systemClock): OauthTokens {
  const kept = new Map<string, { token: OauthToken; untilMs: number }>()
  const coming = new Map<string, Promise<OauthToken>>()
  const get = async (source: TokenSource, key: string): Promise<OauthToken> => {
    const token = await withinLimit(tokenOf(source, call), clock)
    const nowMs = clock.nowMs()
    const lifeMs = token.expiresAtMs === undefined ? unknownEndMs : token.expiresAtMs - nowMs
    if (lifeMs <= 0) throw failed('the token it gave has ended already; look at the clocks of both machines')
    kept.set(key, { token, untilMs: nowMs + lifeMs - Math.min(marginMs, lifeMs / 2) })
    return token
  }
  return (source) => {
    const key = JSON.stringify(source)
    const found = kept.get(key)
    if (found && clock.nowMs() < found.untilMs) return Promise.resolve(found.token)
    const started = coming.get(key) ?? get(source, key).finally(() => coming.delete(key))
    coming.set(key, started)
    return started
  }
}

async function tokenOf(source: TokenSource, call: (fn: FunctionRef) => Promise<unknown>): Promise<OauthToken> {
  switch (source.from) {
    case 'text':
      return oauthToken(source.text)
    case 'file': {
      const text = await readFile(source.path, 'utf8').catch((error: unknown) => {
        throw failed(`the file ${source.path} cannot be read (${errnoOf(error) ?? 'unknown reason'})`)
      })
      return oauthToken(text)
    }
    case 'function': {
      const returned = await call(source.fn).catch((error: unknown) => {
        throw error instanceof MillraceError ? error : failed(messageOf(error))
      })
      return oauthToken(returned)
    }
  }
}

async function withinLimit<T>(work: Promise<T>, clock: Clock): Promise<T> {
  const late = Promise.withResolvers<never>()
  const stopTimer = clock.after(limitMs, () => late.reject(failed(`it gave no token within ${limitMs / 1_000} s`)))
  try {
    return await Promise.race([work, late.promise])
  } finally {
    stopTimer()
    work.catch(() => undefined)
  }
}

function failed(why: string): MillraceError {
  return new MillraceError('AUTHENTICATION_FAILED', `kafka.sasl.token of millrace.config.ts failed: ${why}.`, { retriable: true })
}
