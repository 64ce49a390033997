import { asMillraceError, MillraceError } from '../platform/index.ts'
import type { OffsetToCommit, OutgoingRecord, StreamConsumer, StreamTransactions } from './kafka-ports.ts'

type Member = Pick<StreamConsumer, 'groupMetadata' | 'hasMovedOnFrom'>

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

  /**
   * Rejects with a retriable error, or REBALANCE_IN_PROGRESS, when nothing of it was written and it is to be made again; one with
   * details.outcome `unknown` or PRODUCER_FENCED has to be settled by reading what is committed, after `renew`.
   */
  async commit(offsets: readonly OffsetToCommit[], deadLetters: readonly OutgoingRecord[], member: Member): Promise<void> {
    // Of the generation that has these partitions: after a wait for the producer it may be one in which others do.
    const group = member.groupMetadata()
    const producer = await this.#prepared()
    try {
      await producer.begin()
      producer.send(deadLetters).catch(() => {}) // told by commit
      await producer.sendOffsets(offsets, group)
      await producer.commit()
    } catch (thrown) {
      await this.#settle(producer)
      const error = asMillraceError(thrown, 'KAFKA')
      const isOvertaken = error.details.errorName === 'ILLEGAL_GENERATION' && member.hasMovedOnFrom(group)
      throw isOvertaken ? overtaken(error) : error
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

/** As a plain commit is told it: the member kept its partitions through the rebalance, and commits under the generation that followed. */
function overtaken(cause: MillraceError): MillraceError {
  const message = 'The next generation of the group overtook the transaction: it is made again.'
  return new MillraceError('KAFKA', message, { cause, details: { ...cause.details, errorName: 'REBALANCE_IN_PROGRESS' } })
}
