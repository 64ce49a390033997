import { connect, type Socket } from 'node:net'
import { apiVersions, decodeResponse, encodeRequestFrame, type Api } from '../../src/kafka-wire/index.ts'
import { parseHostPort } from '../../src/platform/index.ts'

/** Sends requests as they are and gives answers as they are: no retries, nothing made good. */
export interface RawKafka extends Disposable {
  ask<Req, Res, SparseReq, SparseRes>(api: Api<Req, Res, SparseReq, SparseRes>, version: number, body: NoInfer<SparseReq>): Promise<Res>
}

const SIZE_BYTES = 4

/** Highest versions by API key: both brokers are asked in the same. */
export type HighestVersions = ReadonlyMap<number, number>

export async function highestVersions(bootstrapServer: string): Promise<HighestVersions> {
  using kafka = await connectRawKafka(bootstrapServer)
  const { apiKeys } = await kafka.ask(apiVersions, 0, {})
  return new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
}

export async function connectRawKafka(bootstrapServer: string, highest: HighestVersions = new Map()): Promise<RawKafka> {
  const { host, port } = parseHostPort(bootstrapServer, 9092)
  const socket = connect({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', () => undefined)
  let correlationId = 0
  return {
    ask: async (api, wanted, body) => {
      const version = Math.min(wanted, highest.get(api.key) ?? wanted)
      socket.write(encodeRequestFrame(api, version, { correlationId: ++correlationId, clientId: 'differential' }, body))
      return decodeResponse(api, version, await readFrame(socket)).body
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** One answer, when nothing else is in flight. */
function readFrame(socket: Socket): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error('the broker has closed the connection'))
    let received = Buffer.alloc(0)
    const done = (settle: () => void): void => {
      socket.off('data', onData).off('close', onClose).off('error', onClose)
      settle()
    }
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk])
      if (received.length < SIZE_BYTES || received.length < received.readInt32BE(0) + SIZE_BYTES) return
      done(() => resolve(received.subarray(SIZE_BYTES)))
    }
    const onClose = (): void => done(() => reject(new Error('the broker closed the connection')))
    socket.on('data', onData).once('close', onClose).once('error', onClose)
  })
}
