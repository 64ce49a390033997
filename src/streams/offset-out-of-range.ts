import { MillraceError } from '../platform/index.ts'

/** The client's error in the stream's words. A stream is never set to another offset in silence: records between would be lost unseen (P5). */
export function offsetOutOfRange(stream: string, error: MillraceError): MillraceError {
  return new MillraceError('OFFSET_OUT_OF_RANGE', `Stream "${stream}" stopped: ${error.message}`, {
    cause: error,
    details: { stream, ...error.details },
  })
}
