import { apiVersions, decodeResponse, errorCodes } from '../kafka-wire/index.ts'
import type { SendRaw } from './connection.ts'
import { kafkaError } from './errors.ts'

export interface Served {
  /** By API key. */
  ranges: ReadonlyMap<number, { min: number; max: number }>
  /** The levels that the cluster has agreed on (KIP-584), by the feature's name; empty before Kafka 2.7. */
  features: ReadonlyMap<string, number>
}

export type VersionRanges = Served['ranges']

const software = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' }
const PREFERRED_VERSION = 3

/**
 * Asks what the broker serves (KIP-35, KIP-511). A broker too old for version 3 says so in a version 0 answer,
 * whose error code stands where that of version 3 stands; it is then asked with version 0.
 */
export async function negotiate(send: SendRaw): Promise<Served> {
  const frame = await send(apiVersions, PREFERRED_VERSION, { ...software })
  const isRefused = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getInt16(4) === errorCodes.UNSUPPORTED_VERSION
  const answer = isRefused
    ? decodeResponse(apiVersions, 0, await send(apiVersions, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })).body
    : decodeResponse(apiVersions, PREFERRED_VERSION, frame).body
  if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, 'ApiVersions')
  return {
    ranges: new Map(answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }])),
    features: new Map(answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])),
  }
}
