import { MillraceError, type ErrorCode } from '../platform/index.ts'
import { errors, alwaysQuote, type ErrorResponse } from '../cql-wire/index.ts'

const names = new Map<number, string>(Object.entries(errors).map(([name, code]) => [code, name]))

/** Answers that say nothing about the statement: the same one may succeed later, perhaps on another node. */
const transient: ReadonlySet<number> = new Set([
  errors.SERVER_ERROR,
  errors.UNAVAILABLE,
  errors.OVERLOADED,
  errors.IS_BOOTSTRAPPING,
  errors.TRUNCATE_ERROR,
  errors.WRITE_TIMEOUT,
  errors.WRITE_FAILURE,
  errors.CDC_WRITE_FAILURE,
  errors.READ_TIMEOUT,
  errors.READ_FAILURE,
])

export function isTransient(code: number): boolean {
  return transient.has(code)
}

export function errorName(code: number): string {
  return names.get(code) ?? `0x${code.toString(16).padStart(4, '0')}`
}

/** A server's ERROR as a MillraceError: AUTHENTICATION_FAILED, CQL_RETRIABLE, ALREADY_EXISTS or CQL; details `{ cqlCode, cqlError }`. */
export function serverError({ code, message }: Pick<ErrorResponse, 'code' | 'message'>, prefix = '', cause?: unknown): MillraceError {
  const details = { cqlCode: code, cqlError: errorName(code) }
  const told = `${prefix}${errorName(code)}: ${message}`
  if (code === errors.UNAUTHORIZED) return unauthorized(told, details, cause)
  return new MillraceError(catalogueCode(code), told, { details, ...(cause === undefined ? {} : { cause }) })
}

function catalogueCode(code: number): ErrorCode {
  if (code === errors.BAD_CREDENTIALS) return 'AUTHENTICATION_FAILED'
  if (code === errors.ALREADY_EXISTS) return 'ALREADY_EXISTS'
  return isTransient(code) ? 'CQL_RETRIABLE' : 'CQL'
}

/** As Cassandra 3 to 5 say it (`ClientState.ensurePermission`). */
const refusal = /User (\S+) has no ([A-Z_]+) permission on <(all keyspaces|keyspace \S+|(?:all tables in|table) \S+)>/

/** Names the role, what it may not do, and the GRANT that an administrator can run; details `{ role, permission, resource, grant }` besides. */
function unauthorized(told: string, details: Record<string, string | number>, cause: unknown): MillraceError {
  const options = cause === undefined ? {} : { cause }
  const [, role, permission, resource] = refusal.exec(told) ?? []
  if (role === undefined || permission === undefined || resource === undefined) {
    return new MillraceError('AUTHENTICATION_FAILED', told, { ...options, details })
  }
  const grant = `GRANT ${permission} ON ${grantTarget(resource)} TO ${alwaysQuote(role)}`
  return new MillraceError(
    'AUTHENTICATION_FAILED',
    `Role ${role} may not ${permission} on ${resource}. Have an administrator run: ${grant};`,
    { ...options, details: { ...details, role, permission, resource, grant } },
  )
}

function grantTarget(resource: string): string {
  if (resource === 'all keyspaces') return 'ALL KEYSPACES'
  const at = resource.lastIndexOf(' ')
  const kind = resource.slice(0, at)
  const name = resource
    .slice(at + 1)
    .split('.')
    .map(alwaysQuote)
    .join('.')
  if (kind === 'keyspace') return `KEYSPACE ${name}`
  return kind === 'table' ? `TABLE ${name}` : `ALL TABLES IN KEYSPACE ${name}`
}
