import { checkServerIdentity, type PeerCertificate, type SecureContext } from 'node:tls'
import { clientTlsContext, errnoOf, isUnknownAuthority, MillraceError, type TlsOptions } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'

/** TLS options, checked and made ready once for all connections. */
export interface Tls {
  readonly context: SecureContext
  /** SNI, where the address does not say one of its own; null: the host's name when it has one. */
  readonly serverName: string | null
  readonly hasClientCertificate: boolean
  /** As `tls.connect` takes it; called with the name or address that was dialled. */
  readonly checkIdentity: (host: string, certificate: PeerCertificate) => Error | undefined
}

/**
 * @param names hosts of the contact points. A node that was found through one of them is known by its address, which certificates often
 * lack: one for a contact point's name will do for it.
 * @throws MillraceError CONFIG_INVALID naming the option whose text is no PEM, or does not fit the others. Never tells a key.
 */
export function resolveTls(options: TlsOptions, names: readonly string[]): Tls {
  const { serverName, verifyHostname = true } = options
  const context = clientTlsContext(options)
  if (!context.ok) throw new MillraceError('CONFIG_INVALID', `Cassandra: tls.${context.error.option} ${context.error.what}.`)
  const anyName = (): undefined => undefined
  return Object.freeze({
    context: context.value,
    serverName: serverName ?? null,
    hasClientCertificate: options.cert !== undefined,
    checkIdentity: verifyHostname ? identityOf(serverName, names) : anyName,
  })
}

function identityOf(serverName: string | undefined, names: readonly string[]): Tls['checkIdentity'] {
  if (serverName !== undefined) return (_host, certificate) => checkServerIdentity(serverName, certificate)
  return (host, certificate) => {
    const failure = checkServerIdentity(host, certificate)
    return failure && names.some((name) => checkServerIdentity(name, certificate) === undefined) ? undefined : failure
  }
}

/**
 * What a failed handshake is about, and what to set; null when it is none of TLS's own failures. CONFIG_INVALID where nothing changes by
 * itself; UNREACHABLE (retriable) for certificates out of date, which the servers' operators renew. Details `{ tls: … }` say which.
 */
export function tlsFailure(to: Address, error: Error, hasClientCertificate: boolean): MillraceError | null {
  const code = errnoOf(error) ?? ''
  const fail = (tls: string, message: string): MillraceError =>
    new MillraceError(tls === 'expired' ? 'UNREACHABLE' : 'CONFIG_INVALID', `Cassandra at ${formatAddress(to)}: ${message}`, {
      cause: error,
      details: { host: to.host, port: to.port, tls },
    })
  if (isUnknownAuthority(code)) {
    return fail('authority', `its certificate is signed by an unknown authority (${code}). Set tls.ca to that authority's certificate.`)
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const when = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'
    return fail('expired', `its certificate ${when}. Renew it on the server (or look at this machine's clock).`)
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = namesOf(error)
    return fail('name', `its certificate is for ${names}. Set tls.serverName to a name of it, or tls.verifyHostname to false.`)
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH|UNKNOWN_PROTOCOL|HTTP_REQUEST/.test(code)) {
    return fail('plain', 'this port does not speak TLS. Remove tls, or write the port that does.')
  }
  if (/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/.test(code)) return fail('version', 'it speaks no TLS 1.2 or later.')
  if (!/ALERT/.test(code)) return null
  if (!hasClientCertificate && /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE|CERTIFICATE_UNKNOWN|NO_CERTIFICATE/.test(code)) {
    return fail('client', `it asks for a client certificate (${code}). Set tls.cert and tls.key.`)
  }
  const told = hasClientCertificate ? 'Look whether it knows the authority of tls.cert, and whether that has expired.' : ''
  return fail('client', `it ended the TLS handshake (${code}). ${told}`.trimEnd())
}

/** The names of a certificate that was refused: Node keeps it in the error. */
function namesOf(error: Error): string {
  const certificate: unknown = 'cert' in error ? error.cert : null
  const isCertificate = typeof certificate === 'object' && certificate !== null && 'subjectaltname' in certificate
  return isCertificate && typeof certificate.subjectaltname === 'string' ? certificate.subjectaltname : 'another name'
}
