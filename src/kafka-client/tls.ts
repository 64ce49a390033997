import { X509Certificate } from 'node:crypto'
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { errnoOf, MillraceError, messageOf } from '../platform/index.ts'
import type { TlsOptions } from './security.ts'

/** Checked and parsed once; the private key is in OpenSSL's hands only. */
export interface TlsIdentity {
  readonly context: SecureContext
  readonly serverName: string | null
  readonly verifyHostname: boolean
  readonly hasCertificate: boolean
  readonly hasOwnCa: boolean
}

export interface Target {
  host: string
  port: number
  tls: TlsIdentity | null
}

/** @throws MillraceError CONFIG_INVALID saying which of the texts cannot be used; it never repeats them (P8) */
export function resolveTls(options: TlsOptions): TlsIdentity {
  const { ca, cert, key, passphrase, serverName, verifyHostname = true } = options
  if ((cert === undefined) !== (key === undefined))
    throw invalid(cert === undefined ? 'tls.key is given without tls.cert' : 'tls.cert is given without tls.key')
  if (ca !== undefined) checkCertificates('tls.ca', ca)
  if (cert !== undefined) checkCertificates('tls.cert', cert)
  return Object.freeze({
    context: secureContext({ ca: ca ?? systemAuthorities(), ...(cert && key ? { cert, key } : {}), ...(passphrase ? { passphrase } : {}) }),
    serverName: serverName ?? null,
    verifyHostname,
    hasCertificate: cert !== undefined,
    hasOwnCa: ca !== undefined,
  })
}

let authorities: string[] | null = null

/** Those of the operating system and those that come with Node; read once, it takes a while. */
function systemAuthorities(): string[] {
  authorities ??= [...new Set([...getCACertificates('system'), ...getCACertificates('default')])]
  return authorities
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

function checkCertificates(name: string, text: string): void {
  const found = text.match(pemCertificate) ?? []
  if (found.length === 0) throw invalid(`${name} holds no certificate; it wants the PEM text itself (-----BEGIN CERTIFICATE-----)`)
  if (!found.every(isReadable)) throw invalid(`${name} holds a certificate that cannot be read`)
}

function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== ''
  } catch {
    return false
  }
}

function secureContext(options: { ca: string | string[]; cert?: string; key?: string; passphrase?: string }): SecureContext {
  try {
    return createSecureContext({ ...options, minVersion: 'TLSv1.2' })
  } catch (error) {
    const why = messageOf(error).includes('mismatch')
      ? 'tls.key does not belong to tls.cert'
      : 'tls.key cannot be read: it wants a PEM text, and tls.passphrase when it is encrypted'
    throw invalid(why)
  }
}

function invalid(why: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `The TLS settings for Kafka are wrong: ${why}.`)
}

/** A peer that is gone without a word is noticed on an idle connection by the kernel's probes, not after its default of two hours. */
const KEEP_ALIVE_MS = 10_000

/** Begins to connect. `connected` is the name of the event that says that bytes may be sent. */
export function openSocket({ host, port, tls }: Target, onread: OnReadOpts): { socket: Socket; connected: 'connect' | 'secureConnect' } {
  const tcp = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, onread }
  if (!tls) return { socket: connectTcp(tcp), connected: 'connect' }
  // An address cannot be asked for by SNI (RFC 6066 §3); the certificate is then checked against the address.
  const name = tls.serverName ?? (isIP(host) === 0 ? host : null)
  const socket = connectTls({
    ...tcp,
    secureContext: tls.context,
    ...(name === null ? {} : { servername: name }),
    ...(tls.verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  })
  return { socket, connected: 'secureConnect' }
}

const unknownAuthority = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  // Another authority of the same name.
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
])
const notTls = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_UNEXPECTED_MESSAGE'])
const aboutClientCertificate = /ALERT_(?:CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE)/

/** What a failure of the TLS layer means and what to set; null for one of the network. */
export function explainTls(error: Error, { host, port, tls }: Target): MillraceError | null {
  const code = errnoOf(error) ?? ''
  if (!tls) return null
  const address = `${host}:${port}`
  const details = { host, port, reason: code }
  const untrusted = (why: string): MillraceError =>
    new MillraceError('AUTHENTICATION_FAILED', `The certificate of Kafka at ${address} ${why}.`, { cause: error, details })
  if (notTls.has(code))
    return new MillraceError('PROTOCOL', `${address} does not speak TLS: leave tls out, or use the broker's TLS port.`, {
      cause: error,
      details,
    })
  if (unknownAuthority.has(code)) {
    const signer = tls.hasOwnCa
      ? 'none of the authorities in tls.ca'
      : 'no authority that this machine knows: give its certificate as tls.ca'
    return untrusted(`was signed by ${signer}`)
  }
  if (code === 'CERT_HAS_EXPIRED') return untrusted('has expired: the broker needs a new one')
  if (code === 'CERT_NOT_YET_VALID') return untrusted("is not valid yet: look at the broker's and this machine's clock")
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const asked = tls.serverName ?? host
    return untrusted(`is not for "${asked}": use a host name that it is for, or set tls.serverName (or tls.verifyHostname: false)`)
  }
  if (aboutClientCertificate.test(code)) return refusedCertificate(address, tls, error, details)
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code.startsWith('CERT_')
    ? new MillraceError('PROTOCOL', `TLS with Kafka at ${address} failed: ${messageOf(error)}.`, { cause: error, details })
    : null
}

function refusedCertificate(
  address: string,
  { hasCertificate }: TlsIdentity,
  cause: Error,
  details: { host: string; port: number; reason: string },
): MillraceError {
  const what = hasCertificate
    ? "refused this client's certificate (tls.cert): it may have expired, or be signed by an authority that the broker does not trust"
    : 'wants a certificate from its clients: set tls.cert and tls.key'
  return new MillraceError('AUTHENTICATION_FAILED', `Kafka at ${address} ${what}.`, { cause, details })
}

/** A TLS alert record (RFC 8446 §5.1): how a TLS server answers who does not speak it. */
export function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03
}
