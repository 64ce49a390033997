import { connect, type Socket } from 'node:net'
import {
  compressFrame,
  ByteWriter,
  decodeResponse,
  decompressBody,
  frameFlags,
  frameHeaderBytes,
  readFrameHeader,
  writeRequest,
  type DecodedResponse,
  type FrameCompression,
  type FrameHeader,
  type QueryParameters,
  type Request,
  type Response,
} from '../../cql-wire/index.ts'

export const plain: QueryParameters = {
  consistency: 1,
  values: [],
  names: null,
  skipMetadata: false,
  pageSize: null,
  pagingState: null,
  serialConsistency: null,
  timestampMicros: null,
}

type Answer = { header: FrameHeader } & Extract<DecodedResponse, { ok: true }>

/** A socket that speaks frames as it is told to, right or wrong. */
export class RawClient implements Disposable {
  readonly socket: Socket
  readonly closed: Promise<void>
  readonly answers: Answer[] = []
  compression: FrameCompression | null = null
  version = 4
  #received: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}
  #isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => {
      socket
        .on('error', () => {})
        .once('close', () => {
          this.#isClosed = true
          this.#wake()
          resolve()
        })
    })
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      while (this.#take());
      this.#wake()
    })
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RawClient(socket)
  }

  /** One that has shaken hands. */
  static async started(port: number, options: readonly [string, string][] = [], version = 4): Promise<RawClient> {
    const client = await RawClient.open(port)
    client.version = version
    await client.ask({ opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0'], ...options]) })
    return client
  }

  /** Sends a request, its flags added to those of the frame, and gives the next answer. */
  async ask(request: Request, flags = 0): Promise<Response> {
    return (await this.answerTo(request, flags)).response
  }

  answerTo(request: Request, flags = 0): Promise<Answer> {
    const out = new ByteWriter()
    writeRequest(out, this.version, 1, request)
    out.bytes[1] = flags
    if (this.compression) compressFrame(out, 0, this.compression)
    this.socket.write(out.copy())
    return this.next()
  }

  query(query: string, parameters: Partial<QueryParameters> = {}, flags = 0): Promise<Response> {
    return this.ask({ opcode: 'QUERY', query, parameters: { ...plain, ...parameters } }, flags)
  }

  async next(): Promise<Answer> {
    for (;;) {
      const answer = this.answers.shift()
      if (answer) return answer
      if (this.#isClosed) throw new Error('the server hung up')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #take(): boolean {
    const header = readFrameHeader(this.#received, 0)
    const end = frameHeaderBytes + (header?.length ?? 0)
    if (!header || this.#received.length < end) return false
    const packed = this.#received.subarray(frameHeaderBytes, end)
    const isPacked = (header.flags & frameFlags.COMPRESSED) !== 0
    const body = isPacked && this.compression ? decompressBody(this.compression, packed, 2 ** 28) : { ok: true as const, body: packed }
    const decoded = body.ok ? decodeResponse(header.version, header.opcode, body.body, header.flags & ~frameFlags.COMPRESSED) : body
    if (!decoded.ok) throw new Error(decoded.reason)
    this.answers.push({ header, ...decoded })
    this.#received = this.#received.subarray(end)
    return true
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
