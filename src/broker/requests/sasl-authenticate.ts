import { errorCodes, saslAuthenticate } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

const noToken = new Uint8Array(0)

/** One round of tokens (KIP-152). What the last one says of the session's end, clients of version 1 on obey (KIP-368). */
export const saslAuthenticateHandler = handler(saslAuthenticate, [0, 2], (request, { sasl }) => {
  const illegal = sasl.isOpen
  const step = sasl.step(request.authBytes)
  if (step.is === 'refused') {
    const errorCode = illegal ? errorCodes.ILLEGAL_SASL_STATE : errorCodes.SASL_AUTHENTICATION_FAILED
    return { errorCode, errorMessage: step.message, authBytes: noToken }
  }
  const sessionLifetimeMs = step.is === 'done' ? BigInt(sasl.lifetimeMs) : 0n
  return { errorCode: errorCodes.NONE, errorMessage: null, authBytes: step.token, sessionLifetimeMs }
})
