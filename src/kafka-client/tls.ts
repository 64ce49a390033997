import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { clientTlsContext, errnoOf, isUnknownAuthority, messageOf, MillraceError, type TlsOptions } from '../platform/index.ts'

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
  const { serverName, verifyHostname = true } = options
  const context = clientTlsContext(options)
  if (!context.ok) {
    const { option, what } = context.error
    throw new MillraceError('CONFIG_INVALID', `The TLS settings for Kafka are wrong: tls.${option} ${what}.`)
  }
  return Object.freeze({
    context: context.value,
    serverName: serverName ?? null,
    verifyHostname,
    hasCertificate: options.cert !== undefined,
    hasOwnCa: options.ca !== undefined,
  })
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

const notTls = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_UNEXPECTED_MESSAGE'])
const aboutClientCertificate = /ALERT_(?:CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE)/

/** What a failure of the TLS layer means and what to set; null for one of the network. */
export function explainTls(error: Error, { host, port, tls }: Target): MillraceError | null {
  const code = errnoOf(error) ?? ''
  if (!tls) return null
  const address = `${host}:${port}`
  const details = { host, port, reason: code }
  // One out of date is renewed by its operator: streams try again (P6), as with Cassandra.
  const untrusted = (why: string, outOfDate = false): MillraceError =>
    new MillraceError(outOfDate ? 'UNREACHABLE' : 'AUTHENTICATION_FAILED', `The certificate of Kafka at ${address} ${why}.`, {
      cause: error,
      details,
    })
  if (notTls.has(code))
    return new MillraceError('PROTOCOL', `${address} does not speak TLS: leave tls out, or use the broker's TLS port.`, {
      cause: error,
      details,
    })
  if (isUnknownAuthority(code)) {
    const signer = tls.hasOwnCa
      ? 'none of the authorities in tls.ca'
      : 'no authority that this machine knows: give its certificate as tls.ca'
    return untrusted(`was signed by ${signer}`)
  }
  if (code === 'CERT_HAS_EXPIRED') return untrusted('has expired: the broker needs a new one', true)
  if (code === 'CERT_NOT_YET_VALID') return untrusted("is not valid yet: look at the broker's and this machine's clock", true)
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
