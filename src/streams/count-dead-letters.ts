import { names } from '../core/index.ts'
import type { Clock } from '../platform/index.ts'
import { DeadLetterFollower } from './dead-letter-follower.ts'
import { DeadLetterIndex } from './dead-letter-index.ts'
import type { DeadLetterKafka } from './read-dead-letters.ts'

/** Counts the open dead letters of a stream; kept from one question to the next, it reads only what is new. */
export class OpenDeadLetters {
  readonly #follower: DeadLetterFollower
  #index = new DeadLetterIndex()
  #counting: Promise<{ records: number; isExact: boolean }> | null = null

  constructor(kafka: DeadLetterKafka, project: string, stream: string, clock?: Clock) {
    this.#follower = new DeadLetterFollower({
      kafka,
      topic: names.deadLetters(project, stream),
      onBatch: (batch) => this.#index.add(batch),
      onForget: () => (this.#index = new DeadLetterIndex()),
      ...(clock ? { clock } : {}),
    })
  }

  /** `isExact` is false while it has not read to the end within `withinMs`: the next question goes on from there. */
  count(within: { withinMs: number }): Promise<{ records: number; isExact: boolean }> {
    return (this.#counting ??= this.#follower
      .follow(within, (isExact) => ({ records: this.#index.openCount, isExact }))
      .finally(() => (this.#counting = null)))
  }
}
