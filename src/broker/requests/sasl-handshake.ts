import { errorCodes, saslHandshake } from '../../kafka-wire/index.ts'
import { handler } from './handler.ts'

/** After version 0 the tokens follow as bare frames, from 1 on in SaslAuthenticate (KIP-152). */
export const saslHandshakeHandler = handler(saslHandshake, [0, 1], (request, { sasl, apiVersion }) => {
  if (!sasl.mayBegin) return { errorCode: errorCodes.ILLEGAL_SASL_STATE, mechanisms: [] }
  const mechanisms = [...sasl.mechanisms]
  const begun = sasl.begin(request.mechanism, apiVersion === 0)
  return { errorCode: begun ? errorCodes.NONE : errorCodes.UNSUPPORTED_SASL_MECHANISM, mechanisms }
})
