import { durationMs, type Duration, type RecordContext } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'

/** What a handler is told of its record. */
export interface ConsumeContext extends RecordContext {
  /** How often the record has been handed out in this process, this time included: 1 for the first. */
  readonly attempt: number
}

export type Handler<Value> = (value: Value, ctx: ConsumeContext) => unknown

export interface ConsumeOptions {
  /** Consumer group: its members share the partitions, and it goes on where it committed. */
  group: string
  /** Where a group begins that has committed nothing. Default `earliest`. */
  startingOffsets?: 'earliest' | 'latest'
  /** Handlers that run at once. Default 16. */
  concurrency?: number
  /** Records that are handled one after another, in their order: those of one key (default), or of one partition. */
  orderBy?: 'key' | 'partition'
  /** Tries after the first. Default 3. */
  retries?: number
  /** Errors that are worth another try. Default `any`, but for those that say `retriable: false`; `retriable`: only those that say `retriable: true`. */
  retryOn?: 'any' | 'retriable'
  /** First delay between tries, doubled up to 30 s. Default 200ms. */
  backoff?: Duration
  /** Time a try may take: its `ctx.signal` aborts then, and it has failed. Default: no limit. */
  timeout?: Duration
  /**
   * Where records go that failed to the last: a topic, or `true` for `<group>.dlq`. Without it such a record stops the consumer: `done`
   * rejects.
   */
  deadLetters?: true | string
  /** How long a rebalance and `close` wait for handlers that run; what they do not finish is handed out again. Default 10s. */
  drainTimeout?: Duration
  /** A member that is not heard of for so long loses its partitions. Default 30s. */
  sessionTimeout?: Duration
}

/** Complete, and checked. */
export interface ResolvedConsumeOptions {
  readonly group: string
  readonly startingOffsets: 'earliest' | 'latest'
  readonly concurrency: number
  readonly orderBy: 'key' | 'partition'
  readonly retries: number
  readonly retryOn: 'any' | 'retriable'
  readonly backoffMs: number
  readonly timeoutMs: number | null
  /** Null: there are none. */
  readonly deadLetters: string | null
  readonly drainTimeoutMs: number
  readonly sessionTimeoutMs: number
}

/** @throws MillraceError BAD_REQUEST, DEFINITION_INVALID naming the option */
export function resolveConsumeOptions(topic: string, options: ConsumeOptions): ResolvedConsumeOptions {
  const what = `consume(${topic}, …)`
  const { group, concurrency = 16, retries = 3, timeout, deadLetters } = options
  if (typeof group !== 'string' || group.trim() === '') throw wrong(`${what}: group is empty; name the consumer group.`)
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw wrong(`${what}: concurrency is ${concurrency}; write a whole number of at least 1.`)
  if (!Number.isInteger(retries) || retries < 0) throw wrong(`${what}: retries is ${retries}; write a whole number of at least 0.`)
  const deadLetterTopic = deadLetters === true ? `${group}.dlq` : (deadLetters ?? null)
  if (deadLetterTopic === topic) throw wrong(`${what}: deadLetters is the topic itself, and would never come to an end; name another one.`)
  return Object.freeze({
    group,
    startingOffsets: options.startingOffsets ?? 'earliest',
    concurrency,
    orderBy: options.orderBy ?? 'key',
    retries,
    retryOn: options.retryOn ?? 'any',
    backoffMs: durationMs(options.backoff ?? '200ms', `${what}: backoff`),
    timeoutMs: timeout === undefined ? null : durationMs(timeout, `${what}: timeout`),
    deadLetters: deadLetterTopic,
    drainTimeoutMs: durationMs(options.drainTimeout ?? '10s', `${what}: drainTimeout`),
    sessionTimeoutMs: durationMs(options.sessionTimeout ?? '30s', `${what}: sessionTimeout`),
  })
}

function wrong(message: string): MillraceError {
  return new MillraceError('BAD_REQUEST', message)
}
