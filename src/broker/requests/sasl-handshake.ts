import { errorCodes, saslHandshake } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

const mechanisms = ['PLAIN']

/** After version 0 the token follows as a bare frame, from 1 on in SaslAuthenticate (KIP-152). */
export const saslHandshakeHandler = handler(saslHandshake, [0, 1], (request, { sasl, apiVersion }) => {
  if (sasl.credentials === null || sasl.stage === 'done') return { errorCode: errorCodes.ILLEGAL_SASL_STATE, mechanisms }
  if (!mechanisms.includes(request.mechanism)) return { errorCode: errorCodes.UNSUPPORTED_SASL_MECHANISM, mechanisms }
  sasl.stage = apiVersion === 0 ? 'raw' : 'handshaken'
  return { errorCode: errorCodes.NONE, mechanisms }
})
