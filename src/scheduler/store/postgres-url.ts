import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import { errnoOf, MillraceError } from '../../platform/index.ts'

/** Where the metadata store lies, from its URL. `password` and `tls` never reach a message (P8). */
export interface PostgresTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly schema: string
  /** How to connect, in the order to try: false is without TLS. */
  readonly tls: readonly (false | ConnectionOptions)[]
  readonly connectTimeoutMs: number
  readonly applicationName: string
  /** The URL without its password and parameters. */
  readonly address: string
}

const parameters = ['schema', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'connect_timeout', 'application_name', 'host'] as const
type Parameter = (typeof parameters)[number]
/** NAMEDATALEN − 1: PostgreSQL cuts longer names in silence. */
const maxNameBytes = 63

/**
 * `postgres://user:password@host:port/database?sslmode=…`, parameters as in libpq ("Connection URIs"), and `schema`.
 * @throws CONFIG_INVALID naming the part that is wrong, never the URL: it holds the password
 */
export function parsePostgresUrl(text: string, project: string | null): PostgresTarget {
  const url = URL.parse(text)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    throw invalid(
      'it is no postgres://user:password@host:port/database URL (special characters of a password are written as %40 and so on)',
    )
  const unknown = [...url.searchParams.keys()].find((key) => !parameters.some((known) => known === key))
  if (unknown !== undefined) throw invalid(`there is no parameter "${unknown}"; there are ${parameters.join(', ')}`)
  const parameter = (name: Parameter): string | null => url.searchParams.get(name)
  const host = parameter('host') ?? (decoded(url.hostname.replace(/^\[|\]$/g, '')) || 'localhost')
  const user = decoded(url.username)
  if (user === '') throw invalid('it names no user')
  const database = decoded(url.pathname.slice(1)) || user
  const port = url.port === '' ? 5432 : Number(url.port)
  const schema = parameter('schema') ?? schemaOf(project)
  if (schema === '' || Buffer.byteLength(schema) > maxNameBytes) throw invalid(`"schema" is not a name of 1 to ${maxNameBytes} bytes`)
  return {
    host,
    port,
    user,
    password: decoded(url.password),
    database,
    schema,
    tls: tlsOf(host, parameter),
    connectTimeoutMs: connectTimeoutOf(parameter('connect_timeout')),
    applicationName: parameter('application_name') ?? `millrace ${project ?? ''}`.trim(),
    address: `postgres://${encodeURIComponent(user)}@${shownHost(host)}:${port}/${encodeURIComponent(database)} (schema ${schema})`,
  }
}

function shownHost(host: string): string {
  if (host.startsWith('/')) return encodeURIComponent(host)
  return host.includes(':') ? `[${host}]` : host
}

/**
 * A schema for each project: its tables are those of SQLite without a project in each key and each condition, rights are given per
 * project, and dropping the schema drops the project.
 */
function schemaOf(project: string | null): string {
  if (project === null) return 'millrace'
  const name = `millrace_${project}`
  if (Buffer.byteLength(name) <= maxNameBytes) return name
  const digest = createHash('sha256').update(project).digest('hex').slice(0, 8)
  return `${name.slice(0, maxNameBytes - digest.length - 1)}_${digest}`
}

function connectTimeoutOf(text: string | null): number {
  const seconds = text === null ? 5 : Number(text)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 3_600) throw invalid('"connect_timeout" is not a number of seconds from 1')
  return seconds * 1_000
}

/**
 * libpq, "SSL Support", table 34.1; without `sslrootcert` the certificates that Node knows are trusted. Who gives `sslrootcert` alone
 * means to check: that is `verify-full`, where libpq would go on without TLS.
 */
function tlsOf(host: string, parameter: (name: Parameter) => string | null): PostgresTarget['tls'] {
  const rootCert = parameter('sslrootcert')
  const mode = parameter('sslmode') ?? (rootCert === null ? 'prefer' : 'verify-full')
  if (host.startsWith('/') || mode === 'disable') return [false]
  const base: ConnectionOptions = {
    ...(rootCert === null || rootCert === 'system' ? {} : { ca: fileOf('sslrootcert', rootCert) }),
    ...clientCertificate(parameter),
  }
  const verifiedCa = { ...base, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  const verifiedFull: ConnectionOptions = {
    ...base,
    rejectUnauthorized: true,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  }
  if (mode === 'verify-full') return [verifiedFull]
  // As libpq: anybody can have a certificate of an authority that everybody knows.
  if (rootCert === 'system') throw invalid(`sslrootcert=system goes with sslmode=verify-full, not with ${mode}`)
  if (mode === 'verify-ca') return [verifiedCa]
  // As libpq: a root certificate given is one to be checked.
  const encrypted = rootCert === null ? { ...base, rejectUnauthorized: false } : verifiedCa
  if (mode === 'allow') return [false, encrypted]
  if (mode === 'prefer') return [encrypted, false]
  if (mode === 'require') return [encrypted]
  throw invalid(`sslmode "${mode}" is not one of disable, allow, prefer, require, verify-ca, verify-full`)
}

function clientCertificate(parameter: (name: Parameter) => string | null): ConnectionOptions {
  const [cert, key] = [parameter('sslcert'), parameter('sslkey')]
  if (cert === null && key === null) return {}
  if (cert === null || key === null) throw invalid('"sslcert" and "sslkey" go together')
  return { cert: fileOf('sslcert', cert), key: fileOf('sslkey', key) }
}

function fileOf(name: Parameter, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw invalid(`"${name}" names ${path}, which cannot be read (${errnoOf(error)})`)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('it has a % that is no %XX: write % itself as %25')
  }
}

function invalid(why: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `The metadata URL (MILLRACE_METADATA_URL): ${why}.`)
}
