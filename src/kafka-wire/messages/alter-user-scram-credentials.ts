import { api, array, bytes, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Sets and removes SCRAM credentials (KIP-554). The password itself never goes over the wire: the client salts it. */
export const alterUserScramCredentials = api(51, 'AlterUserScramCredentials', {
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    deletions: array({ name: string(), mechanism: int8() }),
    upsertions: array({ name: string(), mechanism: int8(), iterations: int32(), salt: bytes(), saltedPassword: bytes() }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ user: string(), errorCode: int16(), errorMessage: string({ nullableFrom: 0 }) }),
  },
})

export type AlterUserScramCredentialsRequest = RequestOf<typeof alterUserScramCredentials>
export type AlterUserScramCredentialsResponse = ResponseOf<typeof alterUserScramCredentials>
