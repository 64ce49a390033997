import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { asMillraceError, type ErrorCode, type Logger, type MillraceError, type Part } from '../platform/index.ts'
import type { ApiPorts } from './ports.ts'
import { addRoutes } from './routes.ts'

const httpStatus: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  DEFINITION_INVALID: 400,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  UNREACHABLE: 502,
  METADATA_UNAVAILABLE: 503,
  TIMED_OUT: 504,
}

/**
 * The HTTP API on a Unix socket that only this user can open (mode 0600, in a folder of mode 0700). Socket paths are
 * limited to about 100 bytes, so it lies in the system's temporary folder and its address in the data folder.
 * Errors are problem+json (RFC 9457) with the catalogue's `code`.
 */
export async function startApiServer(options: { ports: ApiPorts; log: Logger }): Promise<Part> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  const socket = join(folder, 'api.sock')
  const server = Fastify({ logger: false, bodyLimit: 4 * 1_048_576 })
  handleErrors(server, options.log)
  addRoutes(server, options.ports)
  await server.listen({ path: socket })
  await chmod(socket, 0o600)
  const close = async (): Promise<void> => {
    server.server.closeIdleConnections()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { address: socket, failed: new Promise<never>(() => undefined), close, [Symbol.asyncDispose]: close }
}

function handleErrors(server: FastifyInstance, log: Logger): void {
  server.setErrorHandler((error, request, reply) => {
    const failure = asMillraceError(error, isBadRequest(error) ? 'BAD_REQUEST' : 'INTERNAL')
    if (failure.code === 'INTERNAL') log.error(`${request.method} ${request.url} failed`, { error })
    return reply
      .code(httpStatus[failure.code] ?? 500)
      .type('application/problem+json')
      .send(problem(failure))
  })
  server.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type('application/problem+json')
      .send({
        title: 'Not found',
        status: 404,
        code: 'NOT_FOUND',
        detail: `There is no ${request.method} ${request.url}.`,
        retriable: false,
      }),
  )
}

function isBadRequest(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500
}

function problem(error: MillraceError): Record<string, unknown> {
  const { code, message, retriable, details } = error.toJSON()
  return { title: code, status: httpStatus[code] ?? 500, code, detail: message, retriable, ...(details ? { details } : {}) }
}
