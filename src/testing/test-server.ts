import type { Releasers } from '../platform/index.ts'
import type { Failures } from './failures.ts'

/** What the servers of the kit share: failures that are to come, and one way to end, however often it is called. */
export abstract class TestServer<R, E> implements AsyncDisposable {
  protected readonly failures: Failures<R, E>
  protected readonly releasers: Releasers
  #closing: Promise<void> | null = null

  constructor({ failures, releasers }: { readonly failures: Failures<R, E>; readonly releasers: Releasers }) {
    this.failures = failures
    this.releasers = releasers
  }

  get failuresLeft(): number {
    return this.failures.count
  }

  clearFailures(): void {
    this.failures.clear()
  }

  close(): Promise<void> {
    this.#closing ??= this.releasers.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
