import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../platform/index.ts'

/**
 * What becomes of a request in place of its answer: an HTTP status with the contract's body (`errorCode`: by default the status), the
 * end of its connection, or the same answer later.
 */
export type RegistryInterception =
  { is: 'error'; status: number; errorCode?: number; message?: string } | { is: 'disconnect' } | { is: 'delay'; delayMs: number }

/** Asked before each request is carried out; null lets it pass. For tests of clients. */
export type RegistryInterceptor = (request: { readonly method: string; readonly path: string }) => RegistryInterception | null

export async function interceptRequest(
  intercept: RegistryInterceptor,
  { method, url, raw }: FastifyRequest,
  reply: FastifyReply,
  clock: Clock,
): Promise<unknown> {
  const fate = intercept({ method, path: url.split('?')[0] ?? url })
  if (fate === null) return undefined
  if (fate.is === 'delay') return clock.sleep(fate.delayMs)
  if (fate.is === 'disconnect') {
    reply.hijack()
    raw.socket.destroy()
    return reply
  }
  const { status, errorCode = status, message = 'This error was asked for by a test.' } = fate
  return reply.code(status).send({ error_code: errorCode, message })
}
