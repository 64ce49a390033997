import { errorCodes } from '../../kafka-wire/index.ts'
import { MillraceError } from '../../platform/index.ts'

/** Why nothing was appended. */
export interface Refused {
  readonly ok: false
  readonly errorCode: number
  readonly message: string
  /** Whether the log's own rules refused it: the answer then says where the log starts. */
  readonly byLog: boolean
  /** The records that are at fault, by their place in the batch (KIP-467). */
  readonly recordErrors: readonly { batchIndex: number; batchIndexErrorMessage: string }[]
}

export type Appended = { ok: true; baseOffset: number; endOffset: number; logAppendTimeMs: number } | Refused

export type Read = { ok: true; records: Buffer } | { ok: false; errorCode: number }

export type Found<T> = { ok: true; found: T } | { ok: false; errorCode: number }

/** What is no batch at all, or damaged, or too large. */
export function refuse(errorCode: number, message: string): Refused {
  return { ok: false, errorCode, message, byLog: false, recordErrors: [] }
}

/** A sound batch that this log does not take. */
export function reject(errorCode: number, message: string, recordErrors: Refused['recordErrors'] = []): Refused {
  return { ok: false, errorCode, message, byLog: true, recordErrors }
}

/** KAFKA_STORAGE_ERROR, which producers retry. */
export function storageError(cause: MillraceError | null): Refused {
  return refuse(errorCodes.KAFKA_STORAGE_ERROR, cause?.message ?? 'The record could not be written; try again.')
}

/** Whether the disk did not give back what was asked for; anything else that is thrown is a bug. */
export function unreadable(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'DISK_FAILED'
}
