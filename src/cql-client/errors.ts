import { MillraceError } from '../platform/index.ts'
import { errors, type ErrorResponse } from '../cql-wire/index.ts'

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
export function serverError(error: ErrorResponse, prefix = ''): MillraceError {
  const details = { cqlCode: error.code, cqlError: errorName(error.code) }
  const message = `${prefix}${errorName(error.code)}: ${error.message}`
  if (error.code === errors.BAD_CREDENTIALS || error.code === errors.UNAUTHORIZED) {
    return new MillraceError('AUTHENTICATION_FAILED', message, { details })
  }
  if (error.code === errors.ALREADY_EXISTS) return new MillraceError('ALREADY_EXISTS', message, { details })
  return new MillraceError(isTransient(error.code) ? 'CQL_RETRIABLE' : 'CQL', message, { details })
}
