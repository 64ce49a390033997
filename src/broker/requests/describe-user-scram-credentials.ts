import { describeUserScramCredentials, errorCodes } from '../../kafka-wire/index.ts'
import type { ScramCredentials } from '../security/scram-credentials.ts'
import { mechanismNumber } from '../security/scram-mechanism-numbers.ts'
import { handler } from './handler.ts'

/** Which users have SCRAM credentials stored (KIP-554); nothing of the credentials themselves (P8). */
export const describeUserScramCredentialsHandler = handler(describeUserScramCredentials, [0, 0], (request, { broker: { scram } }) => {
  const asked = (request.users ?? []).map(({ name }) => name)
  const names = asked.length > 0 ? [...new Set(asked)] : scram.users
  const isTwice = (name: string): boolean => asked.indexOf(name) !== asked.lastIndexOf(name)
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    results: names.map((user) => (isTwice(user) ? twice(user) : describe(scram, user))),
  }
})

function twice(user: string) {
  const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
  return { user, errorCode: errorCodes.DUPLICATE_RESOURCE, errorMessage, credentialInfos: [] }
}

function describe(scram: ScramCredentials, user: string) {
  const own = scram.of(user)
  if (!own) {
    const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`
    return { user, errorCode: errorCodes.RESOURCE_NOT_FOUND, errorMessage, credentialInfos: [] }
  }
  const credentialInfos = [...own].map(([mechanism, { iterations }]) => ({ mechanism: mechanismNumber(mechanism), iterations }))
  return { user, errorCode: errorCodes.NONE, errorMessage: null, credentialInfos }
}
