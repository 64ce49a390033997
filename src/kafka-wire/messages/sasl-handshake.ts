import { api, arrayOf, int16, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Chooses a SASL mechanism (KIP-43, KIP-152). Never flexible. */
export const saslHandshake = api(17, 'SaslHandshake', {
  versions: [0, 1],
  flexibleFrom: null,
  request: { mechanism: string() },
  response: { errorCode: int16(), mechanisms: arrayOf('string') },
})

export type SaslHandshakeRequest = RequestOf<typeof saslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof saslHandshake>
