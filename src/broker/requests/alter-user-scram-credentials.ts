import { alterUserScramCredentials, errorCodes, type AlterUserScramCredentialsRequest } from '../../kafka-wire/index.ts'
import { asMillraceError } from '../../platform/index.ts'
import { credentialOf, maxIterations, minIterations } from '../security/scram.ts'
import type { ScramChange, ScramCredentials } from '../security/scram-credentials.ts'
import { mechanismOf } from '../security/scram-mechanism-numbers.ts'
import { handler } from './handler.ts'

type Wanted = { name: string; mechanism: number } & Partial<AlterUserScramCredentialsRequest['upsertions'][number]>
type Refusal = readonly [errorCode: number, message: string]

/** Sets and removes SCRAM credentials (KIP-554): for each user all that is asked, or nothing. Stored before it is answered. */
export const alterUserScramCredentialsHandler = handler(alterUserScramCredentials, [0, 0], (request, { broker: { scram, log } }) => {
  const wanted: readonly Wanted[] = [...request.deletions, ...request.upsertions]
  const refusals = new Map<string, Refusal>()
  const changes: ScramChange[] = []
  for (const each of wanted) {
    const twice = wanted.some((other) => other !== each && other.name === each.name && other.mechanism === each.mechanism)
    const checked = twice ? alteredTwice : check(scram, each)
    if ('username' in checked) changes.push(checked)
    else refusals.set(each.name, refusals.get(each.name) ?? checked)
  }
  const accepted = changes.filter(({ username }) => !refusals.has(username))
  try {
    if (accepted.length > 0) scram.change(accepted)
  } catch (error) {
    const failure = asMillraceError(error)
    log.warn('SCRAM credentials could not be stored', { error: failure })
    for (const { username } of accepted) refusals.set(username, [errorCodes.KAFKA_STORAGE_ERROR, failure.message])
  }
  return {
    throttleTimeMs: 0,
    results: [...new Set(wanted.map(({ name }) => name))].map((user) => {
      const [errorCode, errorMessage] = refusals.get(user) ?? [errorCodes.NONE, null]
      return { user, errorCode, errorMessage }
    }),
  }
})

const alteredTwice: Refusal = [errorCodes.DUPLICATE_RESOURCE, 'A user credential cannot be altered twice in the same request']

function check(scram: ScramCredentials, { name, mechanism: number, iterations, salt, saltedPassword }: Wanted): ScramChange | Refusal {
  if (name === '') return [errorCodes.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty']
  const mechanism = mechanismOf(number)
  if (!mechanism) return [errorCodes.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism']
  if (iterations === undefined || salt === undefined || saltedPassword === undefined) {
    return scram.find(name, mechanism)
      ? { username: name, mechanism, credential: null }
      : [errorCodes.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist']
  }
  if (iterations < minIterations) return [errorCodes.UNACCEPTABLE_CREDENTIAL, 'Too few iterations']
  if (iterations > maxIterations) return [errorCodes.UNACCEPTABLE_CREDENTIAL, 'Too many iterations']
  return { username: name, mechanism, credential: credentialOf(mechanism, { salt, iterations, password: saltedPassword }) }
}
