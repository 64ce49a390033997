import { X509Certificate } from 'node:crypto'
import type { TlsEndpoint } from '../core/index.ts'
import type { ServerTlsOptions } from '../platform/index.ts'
import type { ParsedConfig } from './config-schema.ts'
import { tlsEndpoint, userAndPassword } from './remote.ts'
import type { SecretReader } from './secrets.ts'

/** How the embedded table store is spoken to, where the config says it. Holds secrets: never log it (P8). */
export interface EmbeddedStore {
  /** In place of the generated ones; asked for on loopback too then. Null: generated beyond loopback, else none. */
  readonly credentials: { readonly username: string; readonly password: string } | null
  readonly tls: ServerTlsOptions | null
  /** By what Millrace's own clients, tasks and streams among them, know it. */
  readonly clientTls: TlsEndpoint | null
}

/** @throws MillraceError CONFIG_INVALID naming the key */
export function embeddedStore({ embedded = {}, tls: own }: NonNullable<ParsedConfig['cassandra']>, secrets: SecretReader): EmbeddedStore {
  const key = 'cassandra.embedded'
  const credentials = embedded.credentials ? userAndPassword(embedded.credentials, `${key}.credentials`, secrets) : null
  if (!embedded.tls) return { credentials, tls: null, clientTls: null }
  const { cert, key: ownKey, passphrase, clientCa } = embedded.tls
  const tls: ServerTlsOptions = {
    cert: secrets.pem(cert, { key: `${key}.tls.cert`, isSensitive: false }),
    key: secrets.pem(ownKey, { key: `${key}.tls.key`, isSensitive: true }),
    ...(passphrase === undefined ? {} : { passphrase: secrets.text(passphrase, { key: `${key}.tls.passphrase`, isSensitive: true }) }),
    ...(clientCa === undefined ? {} : { clientCa: secrets.pem(clientCa, { key: `${key}.tls.clientCa`, isSensitive: false }) }),
  }
  // By that very certificate, unless an authority is named: whose names it holds then says nothing more.
  const known = own?.ca === undefined ? { ca: tls.cert, verifyHostname: own?.serverName !== undefined } : {}
  const clientTls = { ...known, ...(own ? tlsEndpoint(own, 'cassandra.tls', secrets) : {}) }
  if (own?.ca === undefined && !holdsItsAuthority(tls.cert))
    throw secrets.error(`${key}.tls.cert`, "does not hold its authority: set cassandra.tls.ca, by which Millrace's own clients know it")
  if (clientCa !== undefined && clientTls.cert === undefined)
    throw secrets.error(
      `${key}.tls.clientCa`,
      "asks Millrace's own clients for a certificate too: set cassandra.tls.cert and cassandra.tls.key",
    )
  return { credentials, tls, clientTls }
}

/** What is no certificate is told when the store starts. */
function holdsItsAuthority(pem: string): boolean {
  const texts = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  try {
    const last = texts.map((text) => new X509Certificate(text)).at(-1)
    return last === undefined || last.checkIssued(last)
  } catch {
    return true
  }
}
