import { MillraceError, messageOf } from '../platform/index.ts'
import type { ValueCodec } from './value-codec.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Plain JSON, UTF-8 without a byte order mark; invalid UTF-8 is an error, not a replacement character. */
export const jsonCodec: ValueCodec = {
  format: 'json',
  respelled: new Set(),
  encode: (value) => {
    try {
      return { ok: true, value: Buffer.from(JSON.stringify(value)) }
    } catch (error) {
      const message = `cannot be written as JSON: ${messageOf(error)}`
      return { ok: false, error: new MillraceError('RECORD_INVALID', message, { cause: error }) }
    }
  },
  isReadyFor: () => true,
  makeReadyFor: () => Promise.resolve(),
  decode: (bytes) => {
    try {
      return { ok: true, value: JSON.parse(utf8.decode(bytes)) }
    } catch (error) {
      return { ok: false, error: new MillraceError('RECORD_DECODE', `The value is not JSON: ${messageOf(error)}`, { cause: error }) }
    }
  },
}
