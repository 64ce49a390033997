import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeAuthority } from '../../tools/engines/certificates.ts'
import { startTlsFront, type Target, type TlsFront } from './tls-front.ts'
import { zipOf } from './zip.ts'

/** A managed Cassandra as Astra is one: a metadata service and an SNI proxy before nodes, both for clients with the bundle's certificate. */
export interface FakeAstra extends AsyncDisposable {
  /** Path of its secure connect bundle. */
  readonly bundle: string
  readonly proxy: TlsFront
  /** How often clients asked where the cluster is. */
  readonly lookups: () => number
}

export interface FakeAstraOptions {
  /** Node by host id; it may change. */
  readonly nodes: ReadonlyMap<string, Target>
  readonly localDataCenter?: string
  /** What the metadata service says instead of the truth, and its status. */
  readonly metadata?: { readonly status: number; readonly body: string }
  /** In the bundle's config.json, as older ones have them. */
  readonly credentials?: { readonly username: string; readonly password: string }
}

export async function startFakeAstra({
  nodes,
  localDataCenter = 'datacenter1',
  metadata,
  credentials,
}: FakeAstraOptions): Promise<FakeAstra> {
  const authority = await makeAuthority('Fake Astra')
  // The npm driver looks a proxy's name up in the DNS alone, where localhost is not, and knows an address by its common name alone.
  const servers = await authority.issue({ name: '127.0.0.1' })
  const clients = await authority.issue({ name: 'bundle', dns: ['client'], ips: [] })
  const options = { ...servers, ca: authority.cert, requestCert: true, rejectUnauthorized: true }
  const proxy = await startTlsFront(options, (name) => nodes.get(name) ?? null)
  let lookups = 0
  const contactInfo = (): unknown => ({
    type: 'sni_proxy',
    local_dc: localDataCenter,
    sni_proxy_address: `127.0.0.1:${proxy.port}`,
    contact_points: [...nodes.keys()],
  })
  const service = createServer(options, (request, response) => {
    lookups++
    const isMetadata = request.url === '/metadata'
    response.writeHead(metadata?.status ?? (isMetadata ? 200 : 404), { 'content-type': 'application/json' })
    response.end(metadata?.body ?? JSON.stringify({ version: 1, region: 'here', contact_info: contactInfo() }))
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const { port } = service.address() as AddressInfo
  const dir = mkdtempSync(join(tmpdir(), 'millrace-astra-'))
  const bundle = join(dir, `secure-connect-${randomBytes(4).toString('hex')}.zip`)
  const config = JSON.stringify({ host: 'localhost', port, keyspace: '', localDC: localDataCenter, ...credentials })
  writeFileSync(bundle, zipOf({ 'ca.crt': authority.cert, cert: clients.cert, key: clients.key, 'config.json': config }), { mode: 0o600 })
  return {
    bundle,
    proxy,
    lookups: () => lookups,
    [Symbol.asyncDispose]: async () => {
      rmSync(dir, { recursive: true, force: true })
      await Promise.all([closed(service), proxy[Symbol.asyncDispose]()])
    },
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
