import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { startScriptedApi, type ScriptedApi } from './testing/scripted-api.ts'

let api: ScriptedApi
afterEach(() => api[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly cookie: string
}

/** As a proxy on this machine sends it: `fetch` would set Host by itself. */
function ask(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
  const { hostname, port } = new URL(api.url)
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path: `/api/v1${path}`, method, headers: { ...type, ...headers } }
    const outgoing = request(options, (response) => {
      response.resume()
      response.on('end', () => resolve({ status: response.statusCode ?? 0, cookie: response.headers['set-cookie']?.[0] ?? '' }))
    })
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? '' : JSON.stringify(body))
  })
}

const signIn = (headers: Record<string, string>, user = 'viewer', password = 'correct horse battery'): Promise<Answer> =>
  ask('POST', '/session', headers, { user, password })

/** Guesses at users of which none is tried twice, so that only the address has to wait. */
async function guessFrom(forwardedFor: string): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < 6; i++) {
    const { status } = await signIn({ 'x-forwarded-for': forwardedFor }, `nobody${i} of ${forwardedFor}`, 'guess')
    statuses.push(status)
  }
  return statuses
}

const limited = [401, 401, 401, 401, 401, 429]
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'millrace.example', 'x-forwarded-for': '192.0.2.7' }

describe('of a proxy that nobody trusts', () => {
  test.each([{}, { trustedProxies: ['192.0.2.0/24'] }])('what it forwards changes nothing: %j', async (web) => {
    api = await startScriptedApi({}, web)
    const { cookie } = await signIn(forwarded)
    expect(cookie).toMatch(/^millrace_/)
    expect(cookie).not.toContain('Secure')
    expect((await ask('GET', '/me', { 'x-forwarded-host': 'millrace.example', host: 'attacker.example' })).status).toBe(403)
    // Another address in each guess is still one address.
    for (let i = 0; i < 5; i++) await signIn({ 'x-forwarded-for': `192.0.2.${i}` }, `nobody${i}`, 'guess')
    expect((await signIn({ 'x-forwarded-for': '198.51.100.1' })).status).toBe(429)
  })
})

describe('of a trusted proxy', () => {
  test('guesses are limited by the client’s address, whatever the client wrote before it', async () => {
    api = await startScriptedApi({}, { trustedProxies: ['127.0.0.0/8', '10.0.0.1'] })
    expect(await guessFrom('192.0.2.7')).toEqual(limited)
    expect((await signIn({ 'x-forwarded-for': '203.0.113.9' })).status).toBe(200)
    for (const forged of ['203.0.113.9, 192.0.2.7', '203.0.113.9, 192.0.2.7, 10.0.0.1', '203.0.113.9,192.0.2.7:4711'])
      expect((await signIn({ 'x-forwarded-for': forged })).status).toBe(429)
  })

  test('who is no address is limited by that of the proxy', async () => {
    api = await startScriptedApi({}, { trustedProxies: ['127.0.0.1'] })
    for (let i = 0; i < 5; i++) await signIn({ 'x-forwarded-for': `_hidden${i}` }, `nobody${i}`, 'guess')
    expect((await signIn({ 'x-forwarded-for': 'unknown' })).status).toBe(429)
    expect((await signIn({ 'x-forwarded-for': '[2001:db8::1]:443' })).status).toBe(200)
  })

  test('a session that comes by https has a cookie that goes by https alone', async () => {
    api = await startScriptedApi({}, { trustedProxies: ['127.0.0.1'] })
    const { cookie } = await signIn(forwarded)
    expect(cookie).toMatch(/^__Host-millrace_\w+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/)
    const [pair = ''] = cookie.split(';')
    expect((await ask('GET', '/me', { ...forwarded, cookie: pair })).status).toBe(200)
    // A page of a neighbouring name can set one without the prefix.
    expect((await ask('GET', '/me', { ...forwarded, cookie: pair.replace('__Host-', '') })).status).toBe(401)
    expect((await ask('GET', '/me', { cookie: pair })).status).toBe(401)
    expect((await signIn({ 'x-forwarded-proto': 'http' })).cookie).toMatch(/^millrace_/)
  })

  test('below a base path the cookie is for that path', async () => {
    api = await startScriptedApi({}, { trustedProxies: ['127.0.0.1'], basePath: '/mill' })
    expect((await signIn(forwarded)).cookie).toMatch(/^__Secure-millrace_\w+=[\w-]{43}; Path=\/mill\/;.*; Secure$/)
  })

  test('the name that it forwards has to be one of ours, and the page’s origin the same', async () => {
    api = await startScriptedApi({}, { trustedProxies: ['127.0.0.1'] })
    const upstream = { ...forwarded, host: 'upstream:8080' }
    expect((await signIn(upstream)).status).toBe(200)
    expect((await signIn({ ...upstream, 'x-forwarded-host': 'attacker.example' })).status).toBe(403)
    expect((await signIn({ host: 'upstream:8080', 'x-forwarded-proto': 'https' })).status).toBe(403)
    expect((await signIn({ ...upstream, origin: 'https://millrace.example' })).status).toBe(200)
    expect((await signIn({ ...upstream, 'x-forwarded-host': 'millrace.example:443', origin: 'https://millrace.example' })).status).toBe(200)
    for (const origin of ['https://attacker.example', 'https://millrace.example:8443', 'http://millrace.example', 'http://upstream:8080'])
      expect((await signIn({ ...upstream, origin })).status).toBe(403)
  })
})
