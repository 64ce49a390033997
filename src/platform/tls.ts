import { X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { errnoOf, type Result } from './errors.ts'

/** A client's side of TLS; an empty object is TLS with the system's authorities. Certificates and keys are PEM texts. */
export interface TlsOptions {
  /** The authorities that may have signed the servers' certificates; the system's and those that come with Node when left out. */
  ca?: string
  /** The client's own certificate, then those between it and its authority (mTLS). Goes with `key`. */
  cert?: string
  key?: string
  /** Of an encrypted `key`. */
  passphrase?: string
  /** The name that servers' certificates must be for, whatever their address is; sent to them as SNI. */
  serverName?: string
  /** False: a certificate may be for any name, as long as its authority is known. Default true. */
  verifyHostname?: boolean
}

/** A server's side of TLS, 1.2 or later. PEM texts. */
export interface ServerTlsOptions {
  /** Its certificate, then those between it and its authority. */
  cert: string
  key: string
  /** Of an encrypted `key`. */
  passphrase?: string
  /** Only clients with a certificate of one of these authorities are let in (mTLS). */
  clientCa?: string
}

/** Which of the texts cannot be used, and why, as the end of a sentence about it. Never tells a text (P8). */
interface TlsPemFault {
  option: 'ca' | 'cert' | 'clientCa' | 'key' | 'passphrase'
  what: string
}

/** Checks the texts and parses them, once for all connections: the private key is in OpenSSL's hands only. TLS 1.2 or later. */
export function clientTlsContext({ ca, cert, key, passphrase }: TlsOptions): Result<SecureContext, TlsPemFault> {
  const fault = certificatesFault('ca', ca) ?? certificatesFault('cert', cert) ?? keyFault(cert, key)
  if (fault) return { ok: false, error: fault }
  try {
    const own = cert === undefined ? {} : { cert, key, passphrase }
    return { ok: true, value: createSecureContext({ ca: ca ?? systemAuthorities(), ...own, minVersion: 'TLSv1.2' }) }
  } catch (error) {
    return { ok: false, error: contextFault(errnoOf(error) ?? 'unknown reason', key, passphrase) }
  }
}

/** What keeps a server from listening with these texts; null: nothing. */
export function serverTlsFault({ cert, key, passphrase, clientCa }: ServerTlsOptions): TlsPemFault | null {
  const fault = certificatesFault('cert', cert) ?? certificatesFault('clientCa', clientCa) ?? keyFault(cert, key)
  if (fault) return fault
  try {
    createSecureContext({ cert, key, passphrase })
    return null
  } catch (error) {
    return contextFault(errnoOf(error) ?? 'unknown reason', key, passphrase)
  }
}

const pemCertificate = /-----BEGIN (TRUSTED )?CERTIFICATE-----[\s\S]+?-----END \1?CERTIFICATE-----/g

/** OpenSSL leaves out in silence what it cannot read, and then trusts nobody. */
function certificatesFault(option: 'ca' | 'cert' | 'clientCa', text: string | undefined): TlsPemFault | null {
  if (text === undefined) return null
  const found = text.match(pemCertificate) ?? []
  if (found.length === 0) return { option, what: 'is no certificate in PEM form' }
  return found.every(isReadable) ? null : { option, what: 'holds a certificate that cannot be read' }
}

function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== ''
  } catch {
    return false
  }
}

function keyFault(cert: string | undefined, key: string | undefined): TlsPemFault | null {
  if ((cert === undefined) !== (key === undefined))
    return { option: cert === undefined ? 'cert' : 'key', what: 'is missing: a client certificate is made of tls.cert and tls.key' }
  if (key === undefined || /-----BEGIN ([A-Z ]+ )?PRIVATE KEY-----/.test(key)) return null
  return { option: 'key', what: 'is no private key in PEM form' }
}

/** PKCS #8, and the form of before it (RFC 1421). */
const encryptedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/** @param code OpenSSL's */
function contextFault(code: string, key: string | undefined, passphrase: string | undefined): TlsPemFault {
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return { option: 'key', what: 'is not the key of tls.cert' }
  // One wrong passphrase in 256 leaves what ends as a text would: then OpenSSL says of what came out that it is no key.
  if (/BAD_DECRYPT|BAD_PASSWORD|INTERRUPTED_OR_CANCELLED/.test(code) || encryptedKey.test(key ?? ''))
    return { option: 'passphrase', what: passphrase === undefined ? 'is missing: tls.key is encrypted' : 'does not open tls.key' }
  return { option: 'key', what: `cannot be used (${code})` }
}

let authorities: string[] | null = null

/** Those of the operating system and those that come with Node; read once, it takes a while. */
function systemAuthorities(): string[] {
  authorities ??= [...new Set([...getCACertificates('system'), ...getCACertificates('default')])]
  return authorities
}

const unknownAuthority = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
  // Another authority of the same name.
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
])

/** True for the codes by which Node refuses a certificate because nobody trusted has signed it. */
export function isUnknownAuthority(code: string): boolean {
  return unknownAuthority.has(code)
}
