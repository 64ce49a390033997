/** `node tools/engines/certificate-files.ts <folder>`: an authority, a server's certificate and a client's, as a system's first preparation. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority } from './certificates.ts'

/** Paths of the PEM files in a system's folder. */
export interface CertificateFiles {
  /** The authority's certificate. */
  readonly ca: string
  /** The server's key and certificate in one file, for `localhost` and `127.0.0.1`. */
  readonly server: string
  readonly clientCert: string
  readonly clientKey: string
}

export function certificatesOf(dir: string): CertificateFiles {
  const path = (name: string): string => join(dir, 'tls', name)
  return { ca: path('ca.crt'), server: path('server.pem'), clientCert: path('client.crt'), clientKey: path('client.key') }
}

async function make(dir: string): Promise<void> {
  const authority = await makeAuthority()
  const [server, client] = await Promise.all([
    authority.issue({ name: 'localhost' }),
    authority.issue({ name: 'client', dns: ['client'], ips: [] }),
  ])
  const files = certificatesOf(dir)
  mkdirSync(join(dir, 'tls'), { recursive: true })
  const write = (path: string, text: string): void => writeFileSync(path, text, { mode: 0o600 })
  write(files.ca, authority.cert)
  write(files.server, `${server.key.trim()}\n${server.cert}`)
  write(files.clientCert, client.cert)
  write(files.clientKey, client.key)
}

if (import.meta.main) await make(process.argv[2] ?? '.')
