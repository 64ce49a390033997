import { api, array, int16, int32, int8, string, type RequestOf, type ResponseOf } from '../schema/index.ts'

/** Which users have SCRAM credentials, with how many iterations (KIP-554); without users, or with none, all are told. */
export const describeUserScramCredentials = api(50, 'DescribeUserScramCredentials', {
  versions: [0, 0],
  flexibleFrom: 0,
  request: { users: array({ name: string() }, { nullableFrom: 0 }) },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullableFrom: 0 }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullableFrom: 0 }),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  },
})

export type DescribeUserScramCredentialsRequest = RequestOf<typeof describeUserScramCredentials>
export type DescribeUserScramCredentialsResponse = ResponseOf<typeof describeUserScramCredentials>
