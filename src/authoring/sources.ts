import {
  fileTailSpec,
  generatorSpec,
  httpPollSpec,
  kafkaRecordsSpec,
  postgresQuerySpec,
  randomUserSpec,
  webhookSpec,
  type FileTailOptions,
  type GeneratorOptions,
  type HttpPollOptions,
  type KafkaRecord,
  type KafkaRecordsOptions,
  type PostgresQueryOptions,
  type RandomUser,
  type RandomUserOptions,
  type WebhookOptions,
} from '../connectors/index.ts'
import type { SourceFunction } from '../core/index.ts'
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
  return flowFrom<T>(generatorSpec(options), functionsOf(options))
}

/**
 * Lines of files: JSON objects, or rows of CSV as objects of its columns, whose cells are text (null: nothing stands between two delimiters).
 * A file that is renamed is read on, one that is cut is told, a last line without its end waits. `T` is what the author says a record is: the
 * topic's schema checks it.
 * @throws MillraceError DEFINITION_INVALID naming the option
 */
export function fileTail<T extends Record<string, unknown> = Record<string, string | null>>(options: FileTailOptions<T>): Flow<T> {
  return flowFrom<T>(fileTailSpec(options), functionsOf(options))
}

/**
 * Records that are sent to it over HTTP, JSON objects or lists of them, for as long as the task runs. A request is answered 2xx once its records
 * are committed in Kafka, and not before. `T` is what the author says a record is: what the topic's schema does not take is answered 422.
 * @throws MillraceError DEFINITION_INVALID naming the option
 */
export function webhook<T extends Record<string, unknown>>(options: WebhookOptions): Flow<T> {
  return flowFrom<T>(webhookSpec(options))
}

/**
 * Records of a topic, of the project's own Kafka or of another one: value, key, headers, time and place. Only what is committed is read, from
 * where the last run ended. `V` is what the author says a value is: the schema of the topic that they go to checks it.
 * @throws MillraceError DEFINITION_INVALID naming the option
 */
export function kafkaRecords<V = unknown>(options: KafkaRecordsOptions<V>): Flow<KafkaRecord<V>> {
  return flowFrom<KafkaRecord<V>>(kafkaRecordsSpec(options), functionsOf(options))
}

/**
 * Rows of a query of PostgreSQL, in the order of the columns named by `cursor`, from behind the last one that was read. Values come in the JSON forms
 * of field types: int8 beyond what a double holds and numeric as text, bytea as base64, timestamptz as ISO 8601 in UTC. `T` is what the author
 * says a row is: the topic's schema checks it.
 * @throws MillraceError DEFINITION_INVALID naming the option
 */
export function postgresQuery<T extends Record<string, unknown>>(options: PostgresQueryOptions): Flow<T> {
  return flowFrom<T>(postgresQuerySpec(options))
}

/** Of the options those that are functions: they travel beside those that are data. */
function functionsOf(options: object): Record<string, SourceFunction> {
  const isFunction = (entry: [string, unknown]): entry is [string, SourceFunction] => typeof entry[1] === 'function'
  return Object.fromEntries(Object.entries(options).filter(isFunction))
}
