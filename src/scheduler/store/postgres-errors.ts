import { errnoOf, messageOf, MillraceError } from '../../platform/index.ts'
import type { PostgresTarget } from './postgres-url.ts'

/** PostgreSQL's own errors carry an SQLSTATE; those of the connection carry none. */
export function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** Lost against another transaction: the same one again may well win (PostgreSQL, appendix A). */
export function isConflict(error: unknown): boolean {
  const state = sqlStateOf(error)
  // serialization_failure, deadlock_detected, unique_violation
  return state === '40001' || state === '40P01' || state === '23505'
}

/**
 * Conditions that pass by themselves: connection exceptions (08), insufficient resources (53: disk, memory, connections), cancelled or
 * shut down or starting up (57), a lock or a transaction that took too long (55P03, 25P03), a standby that is not yet the primary (25006).
 */
function passes(state: string): boolean {
  return /^(08|53|57|40)/.test(state) || ['55P03', '25P03', '25P04', '25006'].includes(state)
}

const wrongCertificate = /certificate|^ERR_TLS_CERT|^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_)/
const noTls = /server does not support SSL/i

export function isWithoutTls(error: unknown): boolean {
  return noTls.test(messageOf(error))
}

export function wantsTls(error: unknown): boolean {
  return sqlStateOf(error) === '28000' && /no encryption/.test(messageOf(error))
}

/** As an error of the catalogue, with what to do. The password is in none of them (P8). */
export function postgresError(error: unknown, target: PostgresTarget): MillraceError {
  if (error instanceof MillraceError) return error
  const where = `PostgreSQL at ${target.host}:${target.port}`
  const state = sqlStateOf(error)
  const message = messageOf(error)
  const as = (code: 'AUTHENTICATION_FAILED' | 'NOT_FOUND' | 'CONFIG_INVALID' | 'METADATA_UNAVAILABLE' | 'INTERNAL', text: string) =>
    new MillraceError(code, text, { cause: error, details: { sqlState: state } })
  if (isBug(error)) return as('INTERNAL', message)
  if (state === null) return connectionError(error, where, as)
  if (state === '28P01' || state === '28000')
    return as(
      'AUTHENTICATION_FAILED',
      `${where} refuses user "${target.user}" (${message}): check user and password in MILLRACE_METADATA_URL and the server's pg_hba.conf.`,
    )
  if (state === '3D000')
    return as('NOT_FOUND', `${where} has no database "${target.database}": make it (createdb ${target.database}), or name another one.`)
  if (state === '42501')
    return as(
      'CONFIG_INVALID',
      `${where}: user "${target.user}" lacks a right (${message}): have its owner run CREATE SCHEMA "${target.schema}" AUTHORIZATION "${target.user}" in database "${target.database}".`,
    )
  if (passes(state)) return as('METADATA_UNAVAILABLE', `${where} cannot be used now: ${message}.`)
  return as('INTERNAL', `${where}: ${message} (SQLSTATE ${state})`)
}

/** Of our own code within a transaction; Node's errors of sockets and TLS have a code. Waiting for PostgreSQL would not mend it. */
function isBug(error: unknown): boolean {
  const isOurs =
    error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError || error instanceof ReferenceError
  return isOurs && errnoOf(error) === null
}

function connectionError(
  error: unknown,
  where: string,
  as: (code: 'AUTHENTICATION_FAILED' | 'CONFIG_INVALID' | 'METADATA_UNAVAILABLE', text: string) => MillraceError,
): MillraceError {
  const message = messageOf(error) || (errnoOf(error) ?? 'no answer')
  if (/^SASL|password must be/i.test(message))
    return as(
      'AUTHENTICATION_FAILED',
      `${where} asks for a password (${message}): give it in MILLRACE_METADATA_URL or a file named by MILLRACE_METADATA_URL_FILE.`,
    )
  if (isWithoutTls(error)) return as('CONFIG_INVALID', `${where} does not speak TLS: turn it on there, or set sslmode=disable.`)
  if (wrongCertificate.test(errnoOf(error) ?? '') || /altnames|self.signed certificate/i.test(message))
    return as(
      'CONFIG_INVALID',
      `${where} shows a certificate that is not trusted (${message}): set sslrootcert to its authority's certificate.`,
    )
  return as('METADATA_UNAVAILABLE', `${where} does not answer: ${message}.`)
}
