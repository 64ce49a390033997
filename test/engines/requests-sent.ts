import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { type Api, decodeRequestHeader } from '../../src/kafka-wire/index.ts'

const CHANNEL = 'net.client.socket'

/** What this process asks Kafka brokers, read from the sockets that it opens while this is there. */
export class RequestsSent implements Disposable {
  readonly #frames: Uint8Array[] = []
  readonly #seen = new WeakSet<Socket>()

  constructor() {
    subscribe(CHANNEL, this.#onSocket)
  }

  clear(): void {
    this.#frames.length = 0
  }

  /** The requests of one API, with the version each was written in. */
  of<Req, Res, SparseReq, SparseRes>(api: Api<Req, Res, SparseReq, SparseRes>): { version: number; body: Req }[] {
    return this.#frames.flatMap((frame) => {
      const header = decodeRequestHeader(frame)
      if (!header.ok || header.apiKey !== api.key) return []
      const body = api.request.decode(header.apiVersion, header.body)
      if (!body.ok) throw new Error(body.reason)
      return [{ version: header.apiVersion, body: body.body }]
    })
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#onSocket)
  }

  readonly #onSocket = (message: unknown): void => {
    const socket = typeof message === 'object' && message !== null && 'socket' in message ? message.socket : null
    // Told of twice: when it is made, and when it connects.
    if (!(socket instanceof Socket) || this.#seen.has(socket)) return
    this.#seen.add(socket)
    // Node replaces it while the socket connects.
    let write = socket.write.bind(socket)
    let rest = Buffer.alloc(0)
    const value = (...args: unknown[]): unknown => {
      const [chunk] = args
      if (chunk instanceof Uint8Array) rest = this.#takeFrames(Buffer.concat([rest, chunk]))
      return Reflect.apply(write, socket, args)
    }
    const set = (next: Socket['write']): void => void (write = next)
    Object.defineProperty(socket, 'write', { get: () => value, set, configurable: true })
  }

  #takeFrames(bytes: Buffer): Buffer<ArrayBuffer> {
    let at = 0
    while (bytes.byteLength - at >= 4 && bytes.byteLength - at - 4 >= bytes.readInt32BE(at)) {
      const end = at + 4 + bytes.readInt32BE(at)
      this.#frames.push(Uint8Array.from(bytes.subarray(at + 4, end)))
      at = end
    }
    return Buffer.from(bytes.subarray(at))
  }
}
