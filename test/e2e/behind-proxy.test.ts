import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startHttpsProxy, type HttpsProxy } from '../harness/https-proxy.ts'
import { run, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

const env = { MILLRACE_CONSOLE_TRUSTED_PROXIES: '127.0.0.1', MILLRACE_CONSOLE_BASE_PATH: '/elsewhere' }

describe('millrace start --base-path, behind a proxy', () => {
  let project: TestProject
  let millrace: Started
  let proxy: HttpsProxy
  let link: URL

  beforeAll(async () => {
    project = createProject("every: '100ms', pages: 3")
    millrace = startMillrace(project, { args: ['--base-path', '/tools/mill/'], env })
    const [, printed = ''] = await millrace.until(/(http:\S+\/sign-in#\S+)/, 90_000)
    link = new URL(printed)
    proxy = await startHttpsProxy({ target: link.origin, basePath: '/tools/mill', strips: true })
  }, 120_000)
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    await millrace[Symbol.asyncDispose]()
    project.remove()
  })

  interface Answer {
    readonly status: number
    readonly headers: IncomingHttpHeaders
    /** Its first chunk. */
    readonly text: string
  }

  function ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answer> {
    const type = body === undefined ? {} : { 'content-type': 'application/json', origin: proxy.origin }
    return new Promise((resolve, reject) => {
      const outgoing = request(`${proxy.origin}${path}`, { method, ca: proxy.ca, headers: { ...type, ...headers } }, (response) => {
        response.once('data', (chunk: Buffer) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: chunk.toString() })
          response.destroy()
        })
      })
      outgoing.on('error', reject)
      outgoing.end(body === undefined ? '' : JSON.stringify(body))
    })
  }

  test('links lie below the path that was typed', () => {
    expect(link.pathname).toBe('/tools/mill/sign-in')
    expect(new URL(run(project, ['open']).stdout.trim()).pathname).toBe('/tools/mill/sign-in')
  })

  test('the link’s token signs in by https: the cookie is for the path and for https alone, and opens the API and its events', async () => {
    const signedIn = await ask('POST', '/tools/mill/api/v1/session', {}, { link: link.hash.slice(1) })
    const [setCookie = ''] = signedIn.headers['set-cookie'] ?? []
    expect(setCookie).toMatch(/^__Secure-millrace_\w+=[\w-]{43}; Path=\/tools\/mill\/;.*; Secure$/)
    const [cookie = ''] = setCookie.split(';')
    expect(await ask('GET', '/tools/mill/api/v1/status', { cookie })).toMatchObject({ status: 200 })
    expect(await ask('GET', '/tools/mill/api/v1/events', { cookie })).toMatchObject({
      status: 200,
      text: expect.stringContaining('retry:'),
    })
    expect(await ask('GET', '/tools/mill/healthz')).toMatchObject({ text: 'ok\n' })
  })

  test('who guesses waits by the address that was forwarded, and the audit log has it', async () => {
    const guess = (address: string, user: string): Promise<Answer> =>
      ask('POST', '/tools/mill/api/v1/session', { 'x-forwarded-for': address }, { user, password: 'guess' })
    for (let i = 0; i < 5; i++) expect(await guess('203.0.113.7', `nobody${i}`)).toMatchObject({ status: 401 })
    expect(await guess('203.0.113.7', 'ann')).toMatchObject({ status: 429 })
    expect(await guess('203.0.113.8', 'ann')).toMatchObject({ status: 401 })
    const entries = runJson<{ target: string; address: string }[]>(project, ['audit'])
    expect(entries.filter(({ target }) => target === 'ann').map(({ address }) => address)).toEqual(['203.0.113.8', '203.0.113.7'])
  })
})

test('a base path that is none is refused', () => {
  const project = createProject('pages: 1')
  try {
    expect(run(project, ['start', '--base-path', '/a/../b'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--base-path /a/../b: write a path such as /tools/millrace'),
    })
  } finally {
    project.remove()
  }
})
