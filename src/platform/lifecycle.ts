/**
 * One lifecycle for every part: `start(options, { signal })` resolves to a handle once the part answers;
 * `close()` drains and releases, may be called twice, and never rejects for work that was already lost.
 */
export interface Part extends AsyncDisposable {
  /** Where it answers, as `host:port` or a URL. */
  readonly address: string
  /** Resolves while the part is healthy; rejects with the error that took it down (a dead thread, a failed disk). */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** A stack of things to release, in reverse order, each tried even when an earlier one throws. */
export class Releasers implements AsyncDisposable {
  #stack: { name: string; release: () => Promise<void> | void }[] = []

  add(name: string, release: () => Promise<void> | void): void {
    this.#stack.push({ name, release })
  }

  /** Releases all; afterwards throws an AggregateError of what failed, if anything. */
  async close(): Promise<void> {
    const errors: Error[] = []
    for (let entry = this.#stack.pop(); entry; entry = this.#stack.pop()) {
      try {
        await entry.release()
      } catch (error) {
        errors.push(new Error(`closing ${entry.name} failed`, { cause: error }))
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** What `start` has taken when it fails is released again; its failure is the one that is told. */
export async function startOrRelease<T>(start: (releasers: Releasers) => Promise<T>): Promise<T> {
  const releasers = new Releasers()
  try {
    return await start(releasers)
  } catch (error) {
    await releasers.close().catch(() => undefined)
    throw error
  }
}
