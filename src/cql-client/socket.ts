import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { abortReason, errnoOf, messageOf, MillraceError } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'
import type { ConnectionOptions } from './options.ts'
import { tlsFailure } from './tls.ts'

/** A peer that is gone without a word is noticed on an idle connection by the kernel's probes, not after its default of two hours. */
const keepAliveMs = 10_000

const cutDuringTls = 'the server closed the connection during the TLS handshake; look whether this port speaks TLS'

/** A connected socket, after the TLS handshake where there is one. Rejects with UNREACHABLE, TIMED_OUT, CONFIG_INVALID (TLS) or the signal's reason. */
export async function openSocket(address: Address, options: ConnectionOptions, signal?: AbortSignal): Promise<Socket> {
  const { host, port } = address
  if (signal?.aborted) throw abortReason(signal)
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs })
  await settled(socket, { event: 'connect', what: 'did not accept a connection' }, address, options, signal)
  const { tls } = options
  if (!tls) return socket
  const serverName = address.serverName ?? tls.serverName ?? (isIP(host) === 0 ? host : null)
  const secure = connectTls({
    socket,
    // The name that `checkServerIdentity` is asked about: the one that was dialled.
    host,
    secureContext: tls.context,
    checkServerIdentity: (_name, certificate) => tls.checkIdentity(host, certificate),
    ...(serverName === null ? {} : { servername: serverName }),
  })
  await settled(secure, { event: 'secureConnect', what: 'did not finish the TLS handshake' }, address, options, signal)
  return secure
}

/** Waits for the event; the socket is destroyed when something else comes first. */
function settled(
  socket: Socket,
  { event, what }: { event: 'connect' | 'secureConnect'; what: string },
  address: Address,
  options: ConnectionOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      cancelTimer()
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError).off(event, onEvent)
      act()
    }
    const fail = (error: Error): void =>
      settle(() => {
        socket.on('error', () => {})
        socket.destroy()
        reject(error)
      })
    const onAbort = (): void => fail(abortReason(signal))
    const onError = (error: Error): void => {
      const isCut = event === 'secureConnect' && errnoOf(error) === 'ECONNRESET'
      fail(isCut ? unreachable(address, cutDuringTls, error) : connectionFailure(address, error, options))
    }
    const onEvent = (): void => settle(resolve)
    const cancelTimer = options.clock.after(options.requestTimeoutMs, () => fail(timedOut(address, what, options.requestTimeoutMs)))
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('error', onError).once(event, onEvent)
  })
}

/** What ended a connection: a failure of TLS where it is one, else UNREACHABLE. */
export function connectionFailure(address: Address, error: Error, { tls }: ConnectionOptions, what = messageOf(error)): MillraceError {
  const failure = tls && tlsFailure(address, error, tls.hasClientCertificate)
  return failure ?? unreachable(address, what, error)
}

export function unreachable(address: Address, what: string, cause?: Error): MillraceError {
  return new MillraceError('UNREACHABLE', `Cassandra at ${formatAddress(address)}: ${what}.`, {
    ...(cause ? { cause } : {}),
    details: { host: address.host, port: address.port },
  })
}

export function timedOut(address: Address, what: string, ms: number): MillraceError {
  return new MillraceError('TIMED_OUT', `Cassandra at ${formatAddress(address)} ${what} within ${ms} ms.`)
}
