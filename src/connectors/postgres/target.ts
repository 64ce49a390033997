import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { errnoOf, isLoopback, MillraceError } from '../../platform/index.ts'

/** Where a database is. `password` never reaches a message (P8). */
export interface PostgresTarget {
  host: string
  port: number
  user: string
  password: string
  database: string
  tls: false | ConnectionOptions
}

export interface TargetWorld {
  source: string
  /** Beside the URL; null: it is in the URL, or none is asked for. */
  password: string | null
  /** What `sslrootcert` is relative to. */
  folder: string
}

/**
 * A URL as libpq has it ("Connection URIs"), of its parameters `sslmode` and `sslrootcert`. Without `sslmode` the server's certificate is checked
 * (`verify-full`), unless the server is on this machine. Throws CONFIG_INVALID naming what is wrong, never the URL.
 */
export function postgresTarget(text: string, { source, password, folder }: TargetWorld): PostgresTarget {
  const invalid = (why: string): MillraceError =>
    new MillraceError('CONFIG_INVALID', `Source ${source}: url ${why}.`, { details: { source } })
  const url = URL.parse(text)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) throw invalid('is no postgres://user:password@host:5432/database')
  const unknown = [...url.searchParams.keys()].find((key) => key !== 'sslmode' && key !== 'sslrootcert')
  if (unknown !== undefined) throw invalid(`has a parameter "${unknown}"; there are sslmode and sslrootcert`)
  const part = (raw: string): string => {
    try {
      return decodeURIComponent(raw)
    } catch {
      throw invalid('has a % that is no %XX: write % itself as %25')
    }
  }
  const host = part(url.hostname.replace(/^\[|\]$/g, '')) || 'localhost'
  const user = part(url.username)
  if (user === '') throw invalid('names no user')
  const rootCert = url.searchParams.get('sslrootcert')
  const ca = rootCert === null ? null : fileOf(resolve(folder, rootCert), invalid)
  const tls = tlsOf(url.searchParams.get('sslmode') ?? (isLoopback(host) && ca === null ? 'disable' : 'verify-full'), ca)
  if (tls === null) throw invalid('has an sslmode that is none of disable, require, verify-ca, verify-full')
  return {
    host,
    port: url.port === '' ? 5432 : Number(url.port),
    user,
    password: password ?? part(url.password),
    database: part(url.pathname.slice(1)) || user,
    tls,
  }
}

/** libpq, "SSL Support", table 34.1. Null: there is no such mode. */
function tlsOf(mode: string, ca: Buffer | null): false | ConnectionOptions | null {
  const base: ConnectionOptions = ca === null ? {} : { ca }
  switch (mode) {
    case 'disable':
      return false
    case 'require':
      // As libpq: a root certificate given is one to be checked.
      return ca === null ? { rejectUnauthorized: false } : { ...base, checkServerIdentity: () => undefined }
    case 'verify-ca':
      return { ...base, checkServerIdentity: () => undefined }
    case 'verify-full':
      return base
    default:
      return null
  }
}

function fileOf(path: string, invalid: (why: string) => MillraceError): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw invalid(`names with sslrootcert a file that cannot be read (${errnoOf(error) ?? 'unknown reason'})`)
  }
}
