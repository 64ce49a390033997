import { asMillraceError, MillraceError } from '../platform/index.ts'
import type { GroupMetadata, OffsetToCommit, OutgoingRecord, StreamTransactions } from './kafka-ports.ts'

/**
 * Dead letters and offsets in one transaction (P5). Zombies are fenced twice: by the group's generation, which the offsets carry
 * (KIP-447), and by the epoch of the transactional id, which is taken anew at each start.
 */
export class CommitTransactions {
  readonly #open: () => StreamTransactions
  #producer: StreamTransactions | null = null
  #preparing: Promise<StreamTransactions> | null = null

  /** @param open makes a producer of the stream's transactional id */
  constructor(open: () => StreamTransactions) {
    this.#open = open
  }

  /**
   * Takes over the transactional id: what an earlier run left open is aborted, so that its offsets and dead letters hold nobody up.
   * Rejects as `init` of a transactional producer does.
   */
  async prepare(): Promise<void> {
    await this.#prepared()
  }

  /** Rejects with a retriable error when nothing of it was written; one with details.outcome `unknown` or PRODUCER_FENCED has to be settled by reading what is committed, after `renew`. */
  async commit(offsets: readonly OffsetToCommit[], deadLetters: readonly OutgoingRecord[], group: () => GroupMetadata): Promise<void> {
    const producer = await this.#prepared()
    try {
      await producer.begin()
      producer.send(deadLetters).catch(() => {}) // told by commit
      await producer.sendOffsets(offsets, group())
      await producer.commit()
    } catch (thrown) {
      await this.#settle(producer)
      throw asMillraceError(thrown, 'KAFKA')
    }
  }

  async close(options?: { timeoutMs?: number }): Promise<void> {
    const producer = this.#producer
    this.#producer = null
    this.#preparing = null
    await producer?.close(options)
  }

  /** Ready for the next transaction, or given up: the next one takes over anew, which settles this one. */
  async #settle(producer: StreamTransactions): Promise<void> {
    try {
      await producer.abort()
    } catch {
      // In doubt, fenced or out of reach.
    }
    if (producer.state.is === 'ready' || this.#producer !== producer) return
    await this.close({ timeoutMs: 0 }).catch(() => undefined)
  }

  #prepared(): Promise<StreamTransactions> {
    this.#preparing ??= this.#take()
    return this.#preparing
  }

  async #take(): Promise<StreamTransactions> {
    const producer = this.#open()
    this.#producer = producer
    try {
      await producer.init()
      return producer
    } catch (error) {
      if (this.#producer === producer) await this.close({ timeoutMs: 0 }).catch(() => undefined)
      throw error instanceof MillraceError ? error : asMillraceError(error, 'KAFKA')
    }
  }
}
