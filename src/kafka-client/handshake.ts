import { apiVersions, decodeResponse, errorCodes, saslAuthenticate, saslHandshake } from '../kafka-wire/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { SendRaw } from './connection.ts'
import { kafkaError } from './errors.ts'

export type VersionRanges = ReadonlyMap<number, { min: number; max: number }>

const software = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' }
const PREFERRED_VERSION = 3

/**
 * Asks which versions the broker serves (KIP-35, KIP-511). A broker too old for version 3 says so in a version 0 answer,
 * whose error code stands where that of version 3 stands; it is then asked with version 0.
 */
export async function negotiate(send: SendRaw): Promise<VersionRanges> {
  const frame = await send(apiVersions, PREFERRED_VERSION, { ...software })
  const isRefused = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getInt16(4) === errorCodes.UNSUPPORTED_VERSION
  const answer = isRefused
    ? decodeResponse(apiVersions, 0, await send(apiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })).body
    : decodeResponse(apiVersions, PREFERRED_VERSION, frame).body
  if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, 'ApiVersions')
  return new Map(answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]))
}

/** SASL PLAIN (RFC 4616) in Kafka's frames (KIP-152). The password never reaches an error or a log (P8). */
export async function authenticate(
  send: SendRaw,
  ranges: VersionRanges,
  sasl: { mechanism: 'PLAIN'; username: string; password: string },
  address: string,
): Promise<void> {
  if (!ranges.has(saslHandshake.key)) throw new MillraceError('AUTHENTICATION_FAILED', `${address} does not speak SASL.`)
  const handshake = decodeResponse(saslHandshake, 1, await send(saslHandshake, 1, { mechanism: sasl.mechanism })).body
  if (handshake.errorCode !== errorCodes.NONE) {
    const offered = handshake.mechanisms.join(', ') || 'none'
    throw new MillraceError('AUTHENTICATION_FAILED', `${address} refuses SASL ${sasl.mechanism}; it offers: ${offered}.`)
  }
  const version = Math.min(ranges.get(saslAuthenticate.key)?.max ?? 0, 2)
  const authBytes = new TextEncoder().encode(`\0${sasl.username}\0${sasl.password}`)
  const answer = decodeResponse(saslAuthenticate, version, await send(saslAuthenticate, version, { authBytes })).body
  if (answer.errorCode === errorCodes.NONE) return
  throw new MillraceError('AUTHENTICATION_FAILED', `${address} refused the user name or password of "${sasl.username}".`, {
    details: { errorCode: answer.errorCode },
  })
}
