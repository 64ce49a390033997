import { connect } from 'node:net'
import { once } from 'node:events'
import { decodeResponse, encodeRequestFrame, type Api } from '../../kafka-wire/index.ts'
import { FrameReader } from '../network/frame-reader.ts'

/** A bare connection for tests: requests as they are, answers as they are, one after another. */
export interface Asking extends Disposable {
  ask<Req, Res, SparseReq, SparseRes>(api: Api<Req, Res, SparseReq, SparseRes>, version: number, body: NoInfer<SparseReq>): Promise<Res>
}

export async function connectTo(address: string, clientId = 'test'): Promise<Asking> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1')
  await once(socket, 'connect')
  const reader = new FrameReader(1 << 28)
  const waiting: PromiseWithResolvers<Buffer>[] = []
  socket.on('data', (chunk: Buffer) => {
    const frames: Buffer[] = []
    reader.push(chunk, frames)
    for (const frame of frames) waiting.shift()?.resolve(frame)
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    for (const { reject } of waiting.splice(0)) reject(new Error('the broker closed the connection'))
  })
  let correlationId = 0
  return {
    ask: async (api, version, body) => {
      const answer = Promise.withResolvers<Buffer>()
      waiting.push(answer)
      socket.write(encodeRequestFrame(api, version, { correlationId: ++correlationId, clientId }, body))
      return decodeResponse(api, version, await answer.promise).body
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}
