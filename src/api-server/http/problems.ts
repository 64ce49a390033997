import type { FastifyInstance } from 'fastify'
import { asMillraceError, MillraceError, type ErrorCode, type Logger } from '../../platform/index.ts'

const httpStatus: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  DEFINITION_INVALID: 400,
  CQL: 400,
  AUTHENTICATION_FAILED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  IN_USE: 409,
  TOO_MANY_ATTEMPTS: 429,
  UNREACHABLE: 502,
  METADATA_UNAVAILABLE: 503,
  KAFKA_RETRIABLE: 503,
  CQL_RETRIABLE: 503,
  TIMED_OUT: 504,
}

export function statusOf(error: MillraceError): number {
  return httpStatus[error.code] ?? 500
}

/** What a console that only reads says to whoever would change something. */
export function onlyReading(): MillraceError {
  return new MillraceError('FORBIDDEN', 'This console only reads: whoever started it with "millrace console" may add --write.')
}

/** Errors become problem+json (RFC 9457) with the catalogue's `code`. */
export function answerErrors(server: FastifyInstance, log: Logger): void {
  server.setErrorHandler((error, request, reply) => {
    const failure = asMillraceError(error, isBadRequest(error) ? 'BAD_REQUEST' : 'INTERNAL')
    // Without the query: it may hold what somebody searched for.
    if (failure.code === 'INTERNAL') log.error(`${request.method} ${request.url.split('?')[0]} failed`, { error })
    const { retryAfterSeconds } = failure.details
    if (typeof retryAfterSeconds === 'number') void reply.header('retry-after', retryAfterSeconds)
    return reply.code(statusOf(failure)).type('application/problem+json').send(problemOf(failure))
  })
}

export function problemOf(error: MillraceError): Record<string, unknown> {
  const { code, message, retriable, details } = error.toJSON()
  return { title: code, status: statusOf(error), code, detail: message, retriable, ...(details ? { details } : {}) }
}

function isBadRequest(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500
}
