import { connect } from 'node:net'
import { parseHostPort } from '../../src/platform/index.ts'

const UPDATE_FEATURES = 57
const UNSAFE_DOWNGRADE = 3

/** Sets a feature's level below what it is (UpdateFeatures v1, KIP-584), as `kafka-features.sh downgrade --unsafe` does. */
export async function lowerFeature(bootstrapServer: string, feature: string, level: number): Promise<void> {
  const { host, port } = parseHostPort(bootstrapServer, 9092)
  const socket = connect({ host, port })
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('error', reject).once('data', resolve)
    socket.write(requestFrame(feature, level))
  })
  socket.destroy()
  // Size, correlation id, no tags, throttle time; then the error.
  const errorCode = answer.readInt16BE(13)
  if (errorCode !== 0) throw new Error(`the broker did not set ${feature} to ${level}: error ${errorCode}`)
}

function requestFrame(feature: string, level: number): Buffer {
  const name = Buffer.from(feature)
  const levels = Buffer.from([0, level, UNSAFE_DOWNGRADE, 0])
  const body = Buffer.concat([
    // Api key, version 1, correlation id 1, no client id, no tags; 30 s; one update.
    Buffer.from([0, UPDATE_FEATURES, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0x75, 0x30, 2, name.byteLength + 1]),
    name,
    levels,
    // Not only validated; no tags.
    Buffer.from([0, 0]),
  ])
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.byteLength)
  return Buffer.concat([size, body])
}
