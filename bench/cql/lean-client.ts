import { connect, type Socket } from 'node:net'
import {
  ByteWriter,
  consistencies,
  decodeResponse,
  frameHeaderBytes,
  opcodes,
  readFrameHeader,
  writeRequest,
  type QueryParameters,
  type Request,
  type Response,
} from '../../src/cql-wire/index.ts'
import { parseHostPort } from '../../src/platform/index.ts'

const version = 4
const maxStreams = 1024

export const plain: QueryParameters = {
  consistency: consistencies.ONE,
  values: [],
  names: null,
  skipMetadata: true,
  pageSize: null,
  pagingState: null,
  serialConsistency: null,
  timestampMicros: null,
}

/** A body as it came; rows are counted without being decoded. */
export interface Answer {
  opcode: number
  body: Buffer
}

/** Frames over one socket, all of a turn in one write; next to nothing of the client's own, so that the server is what is measured. */
export class LeanClient {
  readonly #socket: Socket
  readonly #waiting: ((answer: Answer) => void)[] = []
  readonly #free = Array.from({ length: maxStreams }, (_, i) => maxStreams - 1 - i)
  #out = new ByteWriter(256 * 1024)
  #scheduled = false
  #chunks: Buffer[] = []
  #arrived = 0
  #needed = frameHeaderBytes

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  static async connect(contactPoint: string): Promise<LeanClient> {
    const { host, port } = parseHostPort(contactPoint, 9042)
    const socket = connect({ host, port, noDelay: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    const client = new LeanClient(socket)
    await client.ask({ opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0']]) })
    return client
  }

  send(request: Request, answered: (answer: Answer) => void): void {
    const stream = this.#free.pop()
    if (stream === undefined) throw new Error('too many requests in flight')
    this.#waiting[stream] = answered
    writeRequest(this.#out, version, stream, request)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#flush())
  }

  async ask(request: Request): Promise<Response> {
    const { opcode, body } = await new Promise<Answer>((resolve) => this.send(request, resolve))
    const decoded = decodeResponse(version, opcode, body, 0)
    if (!decoded.ok) throw new Error(decoded.reason)
    if (decoded.response.opcode === 'ERROR') throw new Error(decoded.response.message)
    return decoded.response
  }

  async prepare(query: string): Promise<Uint8Array> {
    const response = await this.ask({ opcode: 'PREPARE', query })
    if (response.opcode !== 'RESULT' || response.kind !== 'prepared') throw new Error(`PREPARE was answered with ${response.opcode}`)
    return response.id
  }

  close(): void {
    this.#socket.destroy()
  }

  #flush(): void {
    this.#scheduled = false
    const { bytes, at } = this.#out
    this.#out = new ByteWriter(256 * 1024)
    this.#socket.write(bytes.subarray(0, at))
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#arrived += chunk.length
    if (this.#arrived < this.#needed) return
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    let at = 0
    let header = readFrameHeader(bytes, at)
    while (header) {
      const end = at + frameHeaderBytes + header.length
      if (end > bytes.length) break
      const answered = this.#waiting[header.stream]
      this.#free.push(header.stream)
      answered?.({ opcode: header.opcode, body: bytes.subarray(at + frameHeaderBytes, end) })
      at = end
      header = readFrameHeader(bytes, at)
    }
    this.#chunks = at < bytes.length ? [bytes.subarray(at)] : []
    this.#arrived = bytes.length - at
    this.#needed = frameHeaderBytes + (header?.length ?? 0)
  }
}

/** Of a RESULT of rows asked for without metadata: how many, and where the next page begins. */
export function rowsOf({ opcode, body }: Answer): { rows: number; pagingState: Buffer | null } {
  if (opcode !== opcodes.RESULT || body.readInt32BE(0) !== 2) throw new Error('the server answered without rows')
  const flags = body.readInt32BE(4)
  let at = 12
  let pagingState: Buffer | null = null
  if (flags & 2) {
    const length = body.readInt32BE(at)
    pagingState = Buffer.from(body.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  if (!(flags & 4)) throw new Error('the server sent metadata that nobody asked for')
  return { rows: body.readInt32BE(at), pagingState }
}
