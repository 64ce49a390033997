import { MillraceError, messageOf, type Result } from '../platform/index.ts'

/** How values of a topic are written: bytes to value and back. Decoding says why it could not. */
export interface ValueCodec {
  encode(value: unknown): Uint8Array
  decode(bytes: Uint8Array): Result<unknown>
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Plain JSON, UTF-8 without a byte order mark; invalid UTF-8 is an error, not a replacement character. */
export const jsonCodec: ValueCodec = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => {
    try {
      return { ok: true, value: JSON.parse(utf8.decode(bytes)) }
    } catch (error) {
      return { ok: false, error: new MillraceError('RECORD_DECODE', `The value is not JSON: ${messageOf(error)}`, { cause: error }) }
    }
  },
}
