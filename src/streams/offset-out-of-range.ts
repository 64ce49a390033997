import { MillraceError } from '../platform/index.ts'

/**
 * The client's OFFSET_OUT_OF_RANGE in the stream's words, with the count of records that are gone. A stream is never set to
 * another offset in silence: records between would be lost unseen (P5).
 */
export function offsetOutOfRange(stream: string, error: MillraceError): MillraceError {
  const { topic = '?', partition = '?', offset, logStartOffset } = error.details
  const wanted = bigintOf(offset)
  const start = bigintOf(logStartOffset)
  const lost = wanted !== null && start !== null && start > wanted ? start - wanted : null
  const what =
    lost === null
      ? `offset ${offset ?? '?'} of ${topic}/${partition} is not in the log any more (the topic was cut or made anew): what stood from there on is lost or was never read.`
      : `${lost} records of ${topic}/${partition}, offsets ${wanted} to ${(start ?? 0n) - 1n}, were deleted by the topic's retention before this stream read them.`
  return new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `Stream "${stream}" stopped: ${what} To go on without them: millrace reset ${stream} --to earliest --partition ${partition}.`,
    { cause: error, details: { ...error.details, stream, lost: lost === null ? null : lost.toString() } },
  )
}

function bigintOf(detail: string | number | boolean | null | undefined): bigint | null {
  return (typeof detail === 'string' && /^\d+$/.test(detail)) || (Number.isSafeInteger(detail) && Number(detail) >= 0)
    ? BigInt(detail ?? 0)
    : null
}
