import type { Socket } from 'node:net'
import { messageOf, type Logger } from '../../platform/index.ts'
import {
  ByteWriter,
  compressFrame,
  errors,
  frameHeaderBytes,
  opcodes,
  writeResponse,
  type FrameCompression,
  type Response,
  type ResponseExtras,
} from '../../cql-wire/index.ts'
import { spareBuffers } from '../spare-buffers.ts'

/** No more requests are read while this many bytes of answers wait for a slow reader. */
const maxUnsentBytes = 4 * 1024 * 1024
/** A connection's memory for answers: as much as its last turn took, within these. */
const leastBytes = 4096
const usualBytes = 64 * 1024
/** Frame's header and the metadata of a page with few columns. */
const roomForHead = 4096
/** Kind of a RESULT without anything (spec v4 §4.2.5.1). */
const voidResult = 1

/** The answers of one connection on their way: all of a turn in one write. */
export class Outbox {
  /** What STARTUP agreed on. */
  compression: FrameCompression | null = null
  readonly #socket: Socket
  readonly #log: Logger
  #out = new ByteWriter(4096)
  #flushScheduled = false

  constructor(socket: Socket, log: Logger) {
    this.#socket = socket
    this.#log = log
  }

  get isBehind(): boolean {
    return this.#socket.writableLength + this.#out.at > maxUnsentBytes
  }

  /** What cannot be written as a frame is an error to the one who asked for it, and to nobody else. */
  respond(version: number, stream: number, response: Response, extras?: ResponseExtras): void {
    const start = this.#out.at
    try {
      this.#write(version, stream, response, extras)
    } catch (error) {
      this.#out.at = start
      this.#log.error('an answer could not be written', { error })
      // Nobody asked for an event.
      if (stream < 0) return
      this.#write(version, stream, { opcode: 'ERROR', code: errors.SERVER_ERROR, message: unwritable(error) })
    }
    this.#scheduleFlush()
  }

  #write(version: number, stream: number, response: Response, extras?: ResponseExtras): void {
    const start = this.#out.at
    if (response.opcode === 'RESULT' && response.kind === 'rows' && response.encoded)
      this.#reserve(response.encoded.bytes.length + roomForHead)
    writeResponse(this.#out, version, stream, response, extras)
    if (this.compression) compressFrame(this.#out, start, this.compression)
  }

  /** Most answers are this one: written without taking the long way. */
  respondVoid(version: number, stream: number): void {
    const out = this.#out
    const at = out.ensure(frameHeaderBytes + 4)
    const { bytes } = out
    bytes[at] = 0x80 | version
    bytes[at + 1] = 0
    bytes[at + 2] = stream >> 8
    bytes[at + 3] = stream
    bytes[at + 4] = opcodes.RESULT
    bytes.writeUInt32BE(4, at + 5)
    bytes.writeUInt32BE(voidResult, at + 9)
    out.at = at + frameHeaderBytes + 4
    this.#scheduleFlush()
  }

  /** Makes room for a page at once. */
  #reserve(sizeBytes: number): void {
    const { bytes, at } = this.#out
    if (at + sizeBytes <= bytes.length) return
    const roomier = spareBuffers.take(at + sizeBytes)
    bytes.copy(roomier, 0, 0, at)
    this.#out.bytes = roomier
    spareBuffers.giveBack(bytes)
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    queueMicrotask(() => this.flush())
  }

  flush(): void {
    this.#flushScheduled = false
    if (this.#out.at === 0 || this.#socket.destroyed) return
    const { bytes, at } = this.#out
    this.#out = new ByteWriter(spareBuffers.take(Math.min(Math.max(at, leastBytes), usualBytes)))
    this.#socket.write(bytes.subarray(0, at), (error) => {
      if (!error) spareBuffers.giveBack(bytes)
    })
  }
}

function unwritable(error: unknown): string {
  return `The answer cannot be sent: ${messageOf(error)}`
}
