import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenTcp, type TcpServer } from '../../src/platform/index.ts'
import { eventually } from './millrace.ts'
import { startProxy, type Proxy } from './proxy.ts'

let echo: TcpServer
let proxy: Proxy
let sockets: Socket[]

beforeEach(async () => {
  sockets = []
  echo = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    onConnection: (socket) => {
      socket.on('error', () => socket.destroy())
      socket.pipe(socket)
    },
  })
  proxy = await startProxy({ target: echo })
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await proxy.close()
  await echo.close()
})

interface Client {
  socket: Socket
  /** Bytes that came back so far. */
  received: () => string
  /** How it ended; null while it has not. */
  ended: () => string | null
}

async function client(): Promise<Client> {
  const socket = connect({ host: proxy.host, port: proxy.port })
  sockets.push(socket)
  let text = ''
  let how: string | null = null
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.on('error', (error) => (how = 'code' in error ? String(error.code) : error.message))
  socket.on('end', () => (how = 'FIN'))
  await once(socket, 'connect')
  return { socket, received: () => text, ended: () => how }
}

const receives = (from: Client, text: string): Promise<string> => eventually(from.received, (now) => now === text)
const ends = (from: Client, how: string): Promise<string | null> => eventually(from.ended, (now) => now === how)

test('passes bytes both ways, and the end of each', async () => {
  const one = await client()
  one.socket.end('hello')
  await receives(one, 'hello')
  await ends(one, 'FIN')
  await eventually(
    () => proxy.connections,
    (count) => count === 0,
  )
})

test('passes 20 MB unchanged under back-pressure', async () => {
  const sent = Buffer.alloc(20_000_000, 'abcdefghijk')
  const socket = connect({ host: proxy.host, port: proxy.port })
  sockets.push(socket)
  const hash = createHash('sha1')
  socket.end(sent)
  for await (const chunk of socket) hash.update(Buffer.from(chunk))
  expect(hash.digest('hex')).toBe(createHash('sha1').update(sent).digest('hex'))
})

test('cuts by RST and takes new connections', async () => {
  const one = await client()
  one.socket.write('a')
  await receives(one, 'a')
  expect(proxy.cut()).toBe(1)
  await ends(one, 'ECONNRESET')
  const two = await client()
  two.socket.write('b')
  await receives(two, 'b')
})

test('refuses, and listens on the same port afterwards', async () => {
  const one = await client()
  const { port } = proxy
  await proxy.set({ is: 'refuse' })
  await ends(one, 'ECONNRESET')
  await expect(client()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await proxy.set({ is: 'pass' })
  expect(proxy.port).toBe(port)
  const two = await client()
  two.socket.write('b')
  await receives(two, 'b')
})

test('delays each direction and keeps the order', async () => {
  await proxy.set({ is: 'delay', upMs: 60, downMs: 60, jitterMs: 30, seed: 7 })
  const one = await client()
  const startedMs = performance.now()
  for (const letter of 'abcdefgh') one.socket.write(letter)
  await receives(one, 'abcdefgh')
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(119)
})

test.each(['both', 'up', 'down'] as const)(
  'half-opens (%s silent): new ones are accepted, nothing comes, what waited comes after',
  async (silent) => {
    const one = await client()
    one.socket.write('a')
    await receives(one, 'a')
    await proxy.set({ is: 'half-open', silent })
    const two = await client()
    one.socket.write('b')
    two.socket.write('c')
    // Another proxy's round trip, later than theirs, is the clock here.
    await using other = await startProxy({ target: echo })
    const witness = connect({ host: other.host, port: other.port })
    sockets.push(witness)
    witness.write('w')
    await once(witness, 'data')
    expect([one.received(), two.received(), one.ended(), two.ended()]).toEqual(['a', '', null, null])
    await proxy.set({ is: 'pass' })
    await receives(one, 'ab')
    await receives(two, 'c')
  },
)

test('half-open connections may stay dead when the fault is over; new ones are not', async () => {
  const one = await client()
  await proxy.set({ is: 'half-open', afterwards: 'dead' })
  one.socket.write('a')
  await proxy.set({ is: 'pass' })
  const two = await client()
  two.socket.write('b')
  await receives(two, 'b')
  expect([one.received(), one.ended()]).toEqual(['', null])
})

test('half-open connections may be cut when the fault is over', async () => {
  const one = await client()
  await proxy.set({ is: 'half-open', afterwards: 'cut' })
  await proxy.set({ is: 'pass' })
  await ends(one, 'ECONNRESET')
})

test('drops a connection after so many bytes', async () => {
  await proxy.set({ is: 'drop-after', bytes: 10 })
  const one = await client()
  one.socket.write('abcdefghijklm')
  await ends(one, 'ECONNRESET')
  expect(one.received()).toBe('')
})

test('limits bandwidth', async () => {
  await proxy.set({ is: 'limit', bytesPerSecond: 100_000 })
  const one = await client()
  const startedMs = performance.now()
  one.socket.write(Buffer.alloc(10_000, 'x'))
  await eventually(one.received, (now) => now.length === 10_000)
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(99)
})
