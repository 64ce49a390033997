import {
  generatorSpec,
  httpPollSpec,
  randomUserSpec,
  type GeneratorOptions,
  type HttpPollOptions,
  type RandomUser,
  type RandomUserOptions,
} from '../connectors/index.ts'
import { flowFrom, type Flow } from './flow.ts'

/**
 * Users of the RandomUser API, a page each `every`. Each request carries the project's seed and a page number, so that a
 * retry repeats the same users under the same ids. Which server answers (live or the local stand-in) is the runtime's choice.
 * @throws MillraceError DEFINITION_INVALID naming the option
 */
export function randomUser(options: RandomUserOptions): Flow<RandomUser> {
  return flowFrom<RandomUser>(randomUserSpec(options))
}

/**
 * Records of any JSON API, polled over HTTP. `T` is what the author says a record is: the topic's schema checks it.
 * @throws MillraceError DEFINITION_INVALID naming the option
 */
export function httpPoll<T extends Record<string, unknown>>(options: HttpPollOptions): Flow<T> {
  return flowFrom<T>(httpPollSpec(options))
}

/**
 * Records that `make` makes of a number and of chance by seed, a page each `every`: for tests, for load, and to do something by the clock.
 * The next run goes on at the next number.
 * @throws MillraceError DEFINITION_INVALID naming the option
 */
export function generator<T extends Record<string, unknown>>(options: GeneratorOptions<T>): Flow<T> {
  return flowFrom<T>(generatorSpec(options), { make: options.make })
}
