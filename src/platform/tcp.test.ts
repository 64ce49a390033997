import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { listenTcp, type TcpServer } from './index.ts'

const servers: TcpServer[] = []
afterEach(async () => void (await Promise.all(servers.splice(0).map((server) => server.close()))))

const authority = await makeAuthority('Listeners')
const own = await authority.issue({ name: 'server', dns: ['localhost'], ips: ['127.0.0.1'] })

async function listen(clientCa?: string): Promise<number> {
  const tls = { ...own, ...(clientCa === undefined ? {} : { clientCa }) }
  const server = await listenTcp({ host: '127.0.0.1', port: 0, tls, onConnection: (socket) => socket.on('error', () => {}).end('hello') })
  servers.push(server)
  return server.port
}

/** What the server says over TLS; rejects when it does not let us in. */
function greeting(port: number, certificate: { cert?: string; key?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, ...certificate })
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.once('error', reject).once('close', () => (text === '' ? reject(new Error('cut off')) : resolve(text)))
  })
}

test('a listener with a certificate speaks TLS, and nothing to those who do not', async () => {
  const port = await listen()
  expect(await greeting(port)).toBe('hello')
  const plain = connect({ host: '127.0.0.1', port })
  plain.on('error', () => {}).write('GET / HTTP/1.1\r\n\r\n')
  const said: Buffer[] = []
  plain.on('data', (chunk: Buffer) => said.push(chunk))
  await new Promise((resolve) => plain.once('close', resolve))
  expect(Buffer.concat(said).toString()).not.toContain('hello')
})

test('a listener with an authority of its clients lets in only whom that authority knows', async () => {
  const port = await listen(authority.cert)
  expect(await greeting(port, await authority.issue({ name: 'client', dns: ['client'], ips: [] }))).toBe('hello')
  const stranger = await (await makeAuthority('Somebody else')).issue({ name: 'client', dns: ['client'], ips: [] })
  await expect(greeting(port)).rejects.toThrow()
  await expect(greeting(port, stranger)).rejects.toThrow()
})

test('certificates that cannot be used are refused by the name of the option, without a word of the key', async () => {
  const where = { host: '127.0.0.1', port: 0, onConnection: () => {} }
  const other = await authority.issue({ name: 'other', dns: ['other'], ips: [] })
  const failure = (tls: { cert: string; key: string; clientCa?: string }) => listenTcp({ ...where, tls }).catch((error: unknown) => error)
  expect(await failure({ cert: 'nothing', key: own.key })).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('tls.cert is no certificate'),
  })
  expect(await failure({ cert: own.cert, key: other.key })).toMatchObject({
    message: expect.stringContaining('tls.key is not the key of tls.cert'),
  })
  expect(await failure({ ...own, clientCa: 'x' })).toMatchObject({ message: expect.stringContaining('tls.clientCa') })
})
