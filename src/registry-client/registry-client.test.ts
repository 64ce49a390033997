import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createRegistryClient, type RegistryClient } from './registry-client.ts'

let server: Server | null = null
let client: RegistryClient | null = null

afterEach(async () => {
  client?.close()
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
  server = null
})

interface Asked {
  method: string
  url: string
  authorization: string | undefined
}

/** A client of a server that always answers so. */
async function answering(status: number, body: unknown): Promise<{ client: RegistryClient; asked: Asked[] }> {
  const asked: Asked[] = []
  server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', url: request.url ?? '', authorization: request.headers.authorization })
    request.resume()
    request.on('end', () => response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body)))
  })
  const listening = server
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  client = createRegistryClient({ url: `http://127.0.0.1:${port}/api`, credentials: { username: 'u', password: 'p' } })
  return { client, asked }
}

test('signs in, keeps the path of the address, and writes subjects as a URL needs them', async () => {
  const { client: registry, asked } = await answering(200, { version: 3, id: 7, schema: '"int"' })
  expect(await registry.latest('a/b-value')).toEqual({ version: 3, id: 7, schema: '"int"' })
  expect(asked).toEqual([{ method: 'GET', url: '/api/subjects/a%2Fb-value/versions/latest', authorization: 'Basic dTpw' }])
})

test('what is not there is null, not an error', async () => {
  const { client: registry } = await answering(404, { error_code: 40403, message: 'Schema 9 not found' })
  expect(await registry.schema(9)).toBeNull()
  expect(await registry.latest('s')).toBeNull()
  expect(await registry.lookUp('s', '"int"')).toBeNull()
  expect(await registry.problems('s', '"int"')).toEqual([])
})

test.each<[string, number, unknown, object]>([
  [
    'is unwell',
    503,
    { message: 'store away' },
    { code: 'UNREACHABLE', retriable: true, message: expect.stringContaining('503: store away') },
  ],
  ['asks for credentials', 401, {}, { code: 'AUTHENTICATION_FAILED', message: expect.stringContaining('registry.credentials') }],
  ['is something else', 200, '<html>', { code: 'PROTOCOL', message: expect.stringContaining('does not answer as a schema registry') }],
  [
    'judges a schema incompatible',
    409,
    { message: 'READER_FIELD …' },
    { code: 'ALREADY_EXISTS', message: expect.stringContaining('READER_FIELD …') },
  ],
  ['finds no schema in it', 422, { message: 'Invalid' }, { code: 'BAD_REQUEST' }],
])('a registry that %s is told as such', async (_, status, body, error) => {
  const { client: registry } = await answering(status, body)
  await expect(registry.register('s', '"int"')).rejects.toMatchObject(error)
})

test('nobody there is worth another try, and the password is in no message (P8)', async () => {
  client = createRegistryClient({ url: 'http://127.0.0.1:1', credentials: { username: 'u', password: 's3cret' } })
  const refused: unknown = await client.subjects().catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'UNREACHABLE', retriable: true })
  expect(String(refused)).not.toContain('s3cret')
})
