import { errorCodes } from '../kafka-wire/index.ts'
import { MillraceError } from '../platform/index.ts'
import { errorCodeOf, kafkaError, type NeededRight } from './errors.ts'

const fencing: ReadonlySet<number> = new Set([errorCodes.PRODUCER_FENCED, errorCodes.INVALID_PRODUCER_EPOCH])

/** After these no other transaction of the same producer can do better; the rest is cured by an abort. */
const fatal: ReadonlySet<number> = new Set([
  errorCodes.INVALID_PRODUCER_ID_MAPPING,
  errorCodes.INVALID_TRANSACTION_TIMEOUT,
  errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  errorCodes.CLUSTER_AUTHORIZATION_FAILED,
  errorCodes.UNSUPPORTED_VERSION,
  errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT,
])

/** What a failure means to the producer: it is of no more use, or the transaction must be aborted. */
export interface Verdict {
  isFatal: boolean
  error: MillraceError
}

export function verdictOn(error: MillraceError, transactionalId: string): Verdict {
  if (error.code === 'PRODUCER_FENCED') return { isFatal: true, error }
  const errorCode = errorCodeOf(error)
  if (errorCode === null) return { isFatal: false, error }
  if (fencing.has(errorCode)) return { isFatal: true, error: producerFenced(error, transactionalId) }
  return { isFatal: fatal.has(errorCode), error }
}

function producerFenced(error: MillraceError, transactionalId: string): MillraceError {
  const message = `Another producer has taken over the transactional id "${transactionalId}", or a transaction was left open past its time; this one may not write any more. Make a new one and read the committed offsets again.`
  return new MillraceError('PRODUCER_FENCED', message, { cause: error, details: { ...error.details, transactionalId } })
}

/** Throws what a coordinator's answer means, unless it is NONE. */
export function throwAnswered(errorCode: number, what: string, transactionalId: string, needs?: NeededRight): void {
  if (errorCode === errorCodes.NONE) return
  const right: NeededRight =
    needs && errorCode !== errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
      ? needs
      : { operation: 'Write', on: 'transactional-id', name: transactionalId }
  throw kafkaError(errorCode, `${what} (transactional id "${transactionalId}")`, { details: { transactionalId }, needs: right })
}
