import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startBroker } from '../broker/index.ts'
import { connectKafka, type KafkaClient } from '../kafka-client/index.ts'
import { Releasers } from '../platform/index.ts'
import { listenForRegistry, type RegistryHandle, startRegistry } from './index.ts'

const parts = new Releasers()
let kafka: KafkaClient
let registry: RegistryHandle
/** A subject of its own for each test. */
let subject = ''
let count = 0

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  kafka = await connectKafka({ bootstrapServers: [`127.0.0.1:${broker.listeners[0]?.port}`], clientId: 'registry-test' })
  parts.add('kafka', () => kafka.close())
  registry = await startRegistry({ host: '127.0.0.1', port: 0, kafka })
  parts.add('registry', () => registry.close())
})
afterAll(() => parts.close())
beforeEach(() => {
  subject = `s${count++}-value`
})

interface Answer {
  status: number
  body: unknown
}

async function call(method: string, path: string, json?: unknown, base = registry.address): Promise<Answer> {
  const body =
    json === undefined ? {} : { body: JSON.stringify(json), headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' } }
  const response = await fetch(`${base}${path}`, { method, ...body })
  return { status: response.status, body: await response.json() }
}

function user(...fields: unknown[]): string {
  return JSON.stringify({
    type: 'record',
    name: `User${subject.replace(/\W/g, '')}`,
    fields: [{ name: 'name', type: 'string' }, ...fields],
  })
}
const optional = { name: 'city', type: ['null', 'string'], default: null }
const required = { name: 'country', type: 'string' }

async function register(schema: string, of = subject): Promise<number> {
  const { status, body } = await call('POST', `/subjects/${of}/versions`, { schema })
  expect(status, JSON.stringify(body)).toBe(200)
  return Number(Object(body).id)
}

describe('a registered schema', () => {
  it('is found by its id, by subject and version, and by itself', async () => {
    const id = await register(user())
    expect((await call('GET', `/schemas/ids/${id}`)).body).toEqual({ schema: user() })
    const version = { subject, version: 1, id, schema: user() }
    expect((await call('GET', `/subjects/${subject}/versions/latest`)).body).toEqual(version)
    expect((await call('POST', `/subjects/${subject}`, { schema: user() })).body).toEqual(version)
    expect((await call('GET', `/subjects/${subject}/versions`)).body).toEqual([1])
    expect((await call('GET', `/schemas/ids/${id}/versions`)).body).toEqual([{ subject, version: 1 }])
    expect((await call('GET', `/subjects?subjectPrefix=${subject}`)).body).toEqual([subject])
  })

  it('is registered once, however it is written, and has one id under every subject', async () => {
    const id = await register(user())
    expect(await register(JSON.stringify(JSON.parse(user()), null, 2))).toBe(id)
    expect(await register(user(), `${subject}-other`)).toBe(id)
    expect((await call('GET', `/subjects/${subject}/versions`)).body).toEqual([1])
    expect((await call('GET', `/schemas/ids/${id}/subjects`)).body).toEqual([subject, `${subject}-other`])
  })

  it('by many at once gets one id', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => register(user())))
    expect(new Set(ids).size).toBe(1)
  })

  it('may refer to types of another subject, which then cannot be deleted', async () => {
    await register(user())
    const order = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'by', type: JSON.parse(user()).name }] })
    const references = [{ name: JSON.parse(user()).name, subject, version: 1 }]
    const { body } = await call('POST', `/subjects/${subject}-orders/versions`, { schema: order, references })
    expect((await call('GET', `/subjects/${subject}/versions/1/referencedby`)).body).toEqual([Object(body).id])
    expect(await call('DELETE', `/subjects/${subject}`)).toMatchObject({ status: 422, body: { error_code: 42206 } })
  })
})

describe('a change', () => {
  it('that adds an optional field is version 2; one that adds a required field is refused with what to write instead', async () => {
    await register(user())
    await register(user(optional))
    expect((await call('GET', `/subjects/${subject}/versions`)).body).toEqual([1, 2])
    const refused = await call('POST', `/subjects/${subject}/versions`, { schema: user(required) })
    expect(refused).toMatchObject({
      status: 409,
      body: { error_code: 409, message: expect.stringContaining('give it a default, or make it optional') },
    })
  })

  it('is checked without registering it, with all problems at once', async () => {
    await register(user())
    const path = `/compatibility/subjects/${subject}/versions/latest`
    expect((await call('POST', path, { schema: user(optional) })).body).toEqual({ is_compatible: true })
    const { body } = await call('POST', `${path}?verbose=true`, { schema: user(required, { ...required, name: 'zip' }) })
    expect(body).toMatchObject({ is_compatible: false, messages: [expect.stringContaining('"country"'), expect.stringContaining('"zip"')] })
    expect((await call('POST', `/compatibility/subjects/none-${subject}/versions/latest`, { schema: user() })).body).toEqual({
      is_compatible: true,
    })
  })

  it.each([
    ['NONE', true, true],
    ['BACKWARD', false, true],
    ['FORWARD', true, true],
    ['FULL', false, true],
  ])('at level %s: a required field added %s, an optional one %s', async (level, addRequired, addOptional) => {
    await call('PUT', `/config/${subject}`, { compatibility: level })
    await register(user())
    const ask = async (schema: string): Promise<unknown> =>
      Object((await call('POST', `/compatibility/subjects/${subject}/versions`, { schema })).body).is_compatible
    expect([await ask(user(required)), await ask(user(optional))]).toEqual([addRequired, addOptional])
  })

  it('is compared with every version when the level is transitive, else with the last', async () => {
    await call('PUT', `/config/${subject}`, { compatibility: 'NONE' })
    await register(user())
    await register(user(required))
    const next = { schema: user(required, optional) }
    await call('PUT', `/config/${subject}`, { compatibility: 'BACKWARD_TRANSITIVE' })
    expect((await call('POST', `/subjects/${subject}/versions`, next)).status).toBe(409)
    await call('PUT', `/config/${subject}`, { compatibility: 'BACKWARD' })
    expect((await call('POST', `/subjects/${subject}/versions`, next)).status).toBe(200)
  })
})

describe('deleting', () => {
  it('is soft first: unlisted, still read by id; then for good', async () => {
    const id = await register(user())
    expect(await call('DELETE', `/subjects/${subject}?permanent=true`)).toMatchObject({ status: 404, body: { error_code: 40405 } })
    expect((await call('DELETE', `/subjects/${subject}`)).body).toEqual([1])
    expect(await call('GET', `/subjects/${subject}/versions`)).toMatchObject({ status: 404, body: { error_code: 40401 } })
    expect((await call('GET', `/subjects/${subject}/versions?deleted=true`)).body).toEqual([1])
    expect((await call('GET', `/schemas/ids/${id}`)).status).toBe(200)
    expect(await call('DELETE', `/subjects/${subject}`)).toMatchObject({ status: 404, body: { error_code: 40404 } })
    expect((await call('DELETE', `/subjects/${subject}?permanent=true`)).body).toEqual([1])
    expect(await call('GET', `/schemas/ids/${id}`)).toMatchObject({ status: 404, body: { error_code: 40403 } })
  })

  it('of a version leaves the others; the same schema registered again is a new version under its old id', async () => {
    const id = await register(user())
    await register(user(optional))
    expect((await call('DELETE', `/subjects/${subject}/versions/1`)).body).toBe(1)
    expect(await register(user())).toBe(id)
    expect((await call('GET', `/subjects/${subject}/versions`)).body).toEqual([2, 3])
  })
})

describe('settings', () => {
  it('of a subject are its own, else those of all', async () => {
    expect((await call('GET', '/config')).body).toEqual({ compatibilityLevel: 'BACKWARD' })
    expect(await call('GET', `/config/${subject}`)).toMatchObject({ status: 404, body: { error_code: 40408 } })
    expect((await call('GET', `/config/${subject}?defaultToGlobal=true`)).body).toEqual({ compatibilityLevel: 'BACKWARD' })
    expect((await call('PUT', `/config/${subject}`, { compatibility: 'full' })).body).toEqual({ compatibility: 'FULL' })
    expect((await call('DELETE', `/config/${subject}`)).body).toEqual({ compatibilityLevel: 'FULL' })
  })

  it('READONLY refuses changes; IMPORT takes ids as they come', async () => {
    await call('PUT', `/mode/${subject}`, { mode: 'READONLY' })
    expect(await call('POST', `/subjects/${subject}/versions`, { schema: user() })).toMatchObject({
      status: 422,
      body: { error_code: 42205 },
    })
    await call('PUT', `/mode/${subject}`, { mode: 'IMPORT' })
    expect((await call('POST', `/subjects/${subject}/versions`, { schema: user(), id: 9_001, version: 7 })).body).toEqual({ id: 9_001 })
    expect((await call('GET', `/subjects/${subject}/versions`)).body).toEqual([7])
    expect(await register(user(), `${subject}-next`)).toBe(9_001)
  })
})

describe('a bad request', () => {
  it.each([
    ['GET', '/subjects/none/versions', undefined, 404, 40401],
    ['GET', '/schemas/ids/123456', undefined, 404, 40403],
    ['GET', '/schemas/ids/x', undefined, 404, 404],
    ['GET', '/subjects/none/versions/0', undefined, 422, 42202],
    ['POST', '/subjects/none/versions', { schema: '{"type":"nothing"}' }, 422, 42201],
    ['POST', '/subjects/none/versions', { schema: '{}', schemaType: 'PROTOBUF' }, 422, 42201],
    ['POST', '/subjects/none/versions', { schema: 1 }, 422, 422],
    ['POST', '/subjects/none/versions', [], 422, 422],
    ['PUT', '/config', { compatibility: 'SOME' }, 422, 42203],
    ['PUT', '/mode', { mode: 'SOME' }, 422, 42204],
    ['GET', '/nothing/here', undefined, 404, 404],
  ])('%s %s is answered in the form of the contract', async (method, path, json, status, code) => {
    expect(await call(method, path, json)).toMatchObject({ status, body: { error_code: code, message: expect.any(String) } })
  })

  it('that is no JSON is answered so', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${registry.address}/subjects/x`, { method: 'POST', body: '{', headers })
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/vnd.schemaregistry.v1+json'])
  })
})

describe('nobody else drives it (P8)', () => {
  it.each<[string, Record<string, string>, number]>([
    ['under another name (DNS rebinding)', { host: 'evil.example' }, 403],
    ['from a page of another origin', { origin: 'http://evil.example' }, 403],
    ['with a body that a form can send', { 'content-type': 'text/plain' }, 415],
    ['from a page of another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['from its own origin', { origin: 'own' }, 200],
  ])('%s', async (_, given, status) => {
    const headers = given.origin === 'own' ? { origin: registry.address } : given
    expect(await statusOf(`${registry.address}/subjects`, headers)).toBe(status)
  })

  it.each(['Registry.Example', '0:0:0:0:0:0:0:7'])(
    'but it answers to its own name, %s, however that is written',
    async (advertisedHost) => {
      await using own = await startRegistry({ host: '127.0.0.1', port: 0, kafka, advertisedHost })
      const host = `${advertisedHost.includes(':') ? `[${advertisedHost}]` : advertisedHost}:${own.port}`
      expect(await statusOf(`${own.address}/subjects`, { host })).toBe(200)
    },
  )

  it('without its credentials, when there are any', async () => {
    await using own = await startRegistry({ host: '127.0.0.1', port: 0, kafka, credentials: { username: 'u', password: 'p' } })
    const basic = (text: string): Record<string, string> => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    expect(await statusOf(`${own.address}/subjects`, {})).toBe(401)
    expect(await statusOf(`${own.address}/subjects`, basic('u:x'))).toBe(401)
    expect(await statusOf(`${own.address}/subjects`, basic('u:p'))).toBe(200)
  })
})

describe('what it stored', () => {
  it('is there after a restart, in the records that another registry reads', async () => {
    const id = await register(user())
    await call('PUT', `/config/${subject}`, { compatibility: 'FULL' })
    await using again = await startRegistry({ host: '127.0.0.1', port: 0, kafka })
    expect((await call('GET', `/schemas/ids/${id}`, undefined, again.address)).body).toEqual({ schema: user() })
    expect((await call('GET', `/config/${subject}`, undefined, again.address)).body).toEqual({ compatibilityLevel: 'FULL' })
    const records = await readAll()
    expect(records.get(`{"keytype":"SCHEMA","subject":"${subject}","version":1,"magic":1}`)).toBe(
      JSON.stringify({ subject, version: 1, id, schema: user(), deleted: false }),
    )
    expect(records.get(`{"keytype":"CONFIG","subject":"${subject}","magic":0}`)).toBe('{"compatibilityLevel":"FULL"}')
  })

  it('by another registry is read, and what is not understood is passed over', async () => {
    const key = JSON.stringify({ keytype: 'SCHEMA', subject, version: 4, magic: 1 })
    const value = JSON.stringify({ subject, version: 4, id: 500, schema: '"string"', deleted: false, ruleSet: null })
    await using producer = kafka.producer()
    await producer.send([
      { topic: '_schemas', partition: 0, key: '{"keytype":"NOOP","magic":0}', value: null },
      { topic: '_schemas', partition: 0, key: 'nonsense', value: '{' },
      { topic: '_schemas', partition: 0, key, value },
    ])
    await expect.poll(async () => (await call('GET', '/schemas/ids/500')).body).toEqual({ schema: '"string"' })
  })
})

async function readAll(): Promise<Map<string, string | null>> {
  await using reader = kafka.reader({ topic: '_schemas', from: 'earliest' })
  const records = new Map<string, string | null>()
  while (!reader.atEnd()) {
    for (const { bytes, count: size, keyAt, valueAt } of await reader.poll()) {
      for (let at = 0; at < size; at++) {
        const text = (pairs: Int32Array): string | null =>
          (pairs[2 * at] ?? -1) < 0 ? null : Buffer.from(bytes.subarray(pairs[2 * at], pairs[2 * at + 1])).toString()
        records.set(text(keyAt) ?? '', text(valueAt))
      }
    }
  }
  return records
}

/** `fetch` sets Host and Origin itself. */
function statusOf(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on('error', reject).end()
  })
}

describe('a port taken early', () => {
  it('keeps requests until the registry answers', async () => {
    const listener = await listenForRegistry({ host: '127.0.0.1', port: 0 })
    const answer = call('GET', '/subjects', undefined, listener.address)
    await using own = await startRegistry({ host: '127.0.0.1', port: listener.port, kafka, listener })
    expect(own.address).toBe(listener.address)
    expect((await answer).status).toBe(200)
  })

  it('is given back, and what waits ended, when no registry comes', async () => {
    const listener = await listenForRegistry({ host: '127.0.0.1', port: 0 })
    const answer = call('GET', '/subjects', undefined, listener.address)
    const closed = await Promise.allSettled([answer, listener.close()])
    expect(closed.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    await (await listenForRegistry({ host: '127.0.0.1', port: listener.port })).close()
  })

  it('beyond loopback is refused without credentials (P8)', async () => {
    await expect(startRegistry({ host: '0.0.0.0', port: 0, kafka })).rejects.toMatchObject({ code: 'CREDENTIALS_REQUIRED' })
  })
})
