import type { TopicPartition } from './options.ts'

export interface EnlistingOptions {
  /** One request; rejects when the transaction cannot take them. */
  add(this: void, partitions: readonly TopicPartition[]): Promise<void>
  /** False once the transaction takes no more. */
  mayWrite(this: void): boolean
  onFailed(this: void, error: unknown): void
  /** Partitions were added, or will not be. */
  onSettled(this: void): void
}

/** The partitions of a transaction of version 1, which are added to it before the first record is written to them. */
export class Enlisting {
  readonly #options: EnlistingOptions
  readonly #enlisted = new Set<string>()
  readonly #wanted = new Map<string, TopicPartition>()
  #running: Promise<void> | null = null

  constructor(options: EnlistingOptions) {
    this.#options = options
  }

  /** True when it is in the transaction; else it is asked for, and `onSettled` told. */
  enlist(topic: string, partition: number): boolean {
    const key = `${topic}-${partition}`
    if (this.#enlisted.has(key)) return true
    this.#wanted.set(key, { topic, partition })
    this.#running ??= this.#run()
    return false
  }

  /** For the next transaction. */
  clear(): void {
    this.#enlisted.clear()
    this.#wanted.clear()
  }

  /** Resolves when nothing is asked for any more. Never rejects. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    const { add, mayWrite, onFailed, onSettled } = this.#options
    try {
      // All partitions that one round of the sender asks for go together.
      await Promise.resolve()
      while (this.#wanted.size > 0 && mayWrite()) {
        const wanted = [...this.#wanted]
        this.#wanted.clear()
        await add(wanted.map(([, partition]) => partition))
        for (const [key] of wanted) this.#enlisted.add(key)
      }
    } catch (error) {
      onFailed(error)
    }
    this.#running = null
    onSettled()
  }
}
