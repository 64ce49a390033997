import { api, bytes, int16, int64, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** One round of SASL tokens (KIP-152), with the session's lifetime from 1 on (KIP-368). */
export const saslAuthenticate = api(36, 'SaslAuthenticate', {
  versions: [0, 2],
  flexibleFrom: 2,
  request: { authBytes: bytes() },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0 }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ from: 1, default: 0n, ignorable: true }),
  },
})

export type SaslAuthenticateRequest = RequestOf<typeof saslAuthenticate>
export type SaslAuthenticateResponse = ResponseOf<typeof saslAuthenticate>
