import { MillraceError } from '../platform/index.ts'

/** The test kit's own Kafka client: no failure is meant for it. */
export const kitClientId = 'millrace-testing'

/** How often a failure comes, and the two that every server has beside its errors: a lost connection, a late answer. */
export interface Times {
  /** Default 1. */
  times?: number
}
export type ConnectionFailure = { disconnect: true } | { delayMs: number }

type Fate<E> = { is: 'error'; error: E } | { is: 'disconnect' } | { is: 'delay'; delayMs: number }

interface Planned<R, E> {
  readonly matches: (request: R) => boolean
  readonly fate: Fate<E>
  times: number
}

/** What is to go wrong next; each server has its own. Failures come in the order they were asked for. */
export class Failures<R, E> {
  readonly #planned: Planned<R, E>[] = []

  /** @throws MillraceError BAD_REQUEST when `times` is no count */
  add(matches: (request: R) => boolean, fate: Fate<E>, times = 1): void {
    if (!(times >= 1)) throw new MillraceError('BAD_REQUEST', `A failure comes at least once; times is ${times}.`)
    this.#planned.push({ matches, fate, times })
  }

  /** The fate of a request: that of the first failure which waits for one like it. */
  take(request: R): Fate<E> | null {
    const at = this.#planned.findIndex(({ matches }) => matches(request))
    const next = this.#planned[at]
    if (!next) return null
    next.times--
    if (next.times <= 0) this.#planned.splice(at, 1)
    return next.fate
  }

  clear(): void {
    this.#planned.length = 0
  }

  /** How many are still to come. */
  get count(): number {
    return this.#planned.reduce((sum, { times }) => sum + times, 0)
  }
}

/** The fate that a failure as tests write it means; `error` makes the error of one that is none of a connection. */
export function fateOf<F extends object, E>(failure: F | ConnectionFailure, error: (failure: F) => E): Fate<E> {
  if ('disconnect' in failure) return { is: 'disconnect' }
  if ('delayMs' in failure && typeof failure.delayMs === 'number') return { is: 'delay', delayMs: failure.delayMs }
  return { is: 'error', error: error(failure as F) }
}
