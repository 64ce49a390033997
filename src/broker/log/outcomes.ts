import { errorCodes } from '../../kafka-wire/index.ts'
import type { MillraceError } from '../../platform/index.ts'

export type Appended =
  { ok: true; baseOffset: number; endOffset: number; logAppendTimeMs: number } | { ok: false; errorCode: number; message: string }

export type Read = { ok: true; records: Buffer } | { ok: false; errorCode: number }

/** KAFKA_STORAGE_ERROR, which producers retry. */
export function storageError(cause: MillraceError | null): Appended {
  return { ok: false, errorCode: errorCodes.KAFKA_STORAGE_ERROR, message: cause?.message ?? 'The record could not be written; try again.' }
}
