/** Names by which a server may be addressed, in the form that `Host` headers are compared in. */
export type HostNames = ReadonlySet<string>

/**
 * Loopback's names, and those given: a page whose name was made to point here (DNS rebinding) sends another one (P8).
 * @param own further names or addresses, IPv6 without brackets
 */
export function hostNames(own: readonly string[]): HostNames {
  const named = own.map((name) => hostnameOf(`http://${name.includes(':') ? `[${name}]` : name}`)).filter((name) => name !== '')
  return new Set(['localhost', '127.0.0.1', '::1', ...named])
}

/** The name in a URL, in small letters, without brackets; empty when it is none. */
function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : ''
}

type Addressed = { is: 'own' } | { is: 'foreign host' | 'foreign origin'; name: string }

/** Of a request: its headers, and whether it came by https, which only who encrypts, or a trusted proxy, can tell. */
interface Asked {
  host?: string | undefined
  origin?: string | undefined
  isSecure?: boolean
}

/**
 * Whether a request is meant for this server: `Host` names it, and `Origin`, when a browser sent one, is the same address,
 * port included (RFC 6454).
 */
export function addressed({ host = '', origin, isSecure = false }: Asked, names: HostNames): Addressed {
  const name = hostnameOf(`http://${host}`)
  if (!names.has(name)) return { is: 'foreign host', name }
  if (origin === undefined) return { is: 'own' }
  const own = new URL(`${isSecure ? 'https' : 'http'}://${host}`)
  const from = URL.canParse(origin) ? new URL(origin) : null
  const isOwn = from !== null && from.host === own.host && (!isSecure || from.protocol === own.protocol)
  return isOwn ? { is: 'own' } : { is: 'foreign origin', name: origin.slice(0, 100) }
}
