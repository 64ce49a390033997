import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { makeAuthority, type Authority } from '../../tools/engines/certificates.ts'
import { bin } from '../harness/millrace.ts'

const password = 'correct horse: battery'
let dir: string
let authority: Authority
const served: ChildProcess[] = []

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-serve-store-'))
  authority = await makeAuthority()
  const { cert, key } = await authority.issue({ name: 'localhost', dns: ['localhost'], ips: ['127.0.0.1'] })
  const files = { 'cert.pem': cert, 'key.pem': key, 'ca.pem': authority.cert, user: `ada:${password}\n`, users: 'a:b\nc:d\n' }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 })
})
afterEach(async () => {
  for (const child of served.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
  }
  rmSync(dir, { recursive: true, force: true })
})

/** Resolves to what it says once it listens, or as it ends. */
async function serve(...args: readonly string[]): Promise<string> {
  const command = [bin, 'serve', 'cql-store', '--port', '0', '--json', ...args]
  const env = { ...process.env, STORE_USER: `ada:${password}` }
  const child = spawn(process.execPath, command, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  served.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), new Promise((resolve) => child.once('close', resolve))])
  return output
}

const addressIn = (output: string): string => {
  const { address }: { address: string } = JSON.parse(output)
  return address.replace('0.0.0.0', '127.0.0.1')
}

const connect = (address: string, more: object = {}): Promise<CassandraSession> =>
  connectCassandra({ contactPoints: [address], localDataCenter: 'datacenter1', ...more })

describe('millrace serve cql-store, secured', () => {
  test.each(['file:user', 'env:STORE_USER'])('asks for the user of %s, on loopback too', { timeout: 60_000 }, async (user) => {
    const address = addressIn(await serve('--user', user))
    await expect(connect(address)).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await using session = await connect(address, { credentials: { username: 'ada', password } })
    expect(await session.keyspaces()).toContain('system')
  })

  test('speaks TLS, and lets in those alone whom the authority of its clients knows', { timeout: 60_000 }, async () => {
    const tls = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem', '--tls-client-ca', 'ca.pem']
    const address = addressIn(await serve('--host', '0.0.0.0', '--user', 'file:user', ...tls))
    const own = await authority.issue({ name: 'client', dns: ['client'], ips: [] })
    const credentials = { username: 'ada', password }
    await using session = await connect(address, { credentials, tls: { ca: authority.cert, ...own } })
    expect(await session.keyspaces()).toContain('system')
    await expect(connect(address, { credentials, tls: { ca: authority.cert } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test.each([
    [['--user', 'ada:secret-word'], '--user: write file:path or env:NAME'],
    [['--user', 'file:users'], '--user: the table store has one user'],
    [['--tls-cert', 'cert.pem'], '--tls-cert and --tls-key go together'],
    [['--tls-cert', 'key.pem', '--tls-key', 'key.pem'], 'tls.cert is no certificate'],
  ])('%j is refused in words that hold no secret (P8)', { timeout: 60_000 }, async (args, told) => {
    const output = await serve(...args)
    expect(output).toContain(told)
    expect(output).not.toContain('secret-word')
    expect(output).not.toContain('PRIVATE')
  })
})
