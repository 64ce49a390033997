import { names, type Json } from '../../core/index.ts'
import { asMillraceError, backoffMs, MillraceError, type Clock } from '../../platform/index.ts'
import { withTransactionRights } from '../kafka/transaction-rights.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'
import { cursorRecord, readCursor, type StoredCursor } from './cursor-store.ts'
import type { OutgoingRecord, SourceKafka, SourceTransactions } from './kafka-port.ts'

export interface PageWriterOptions {
  kafka: SourceKafka
  project: string
  source: string
  run: { dagId: string; runId: string; attempt: number }
  clock: Clock
  signal: AbortSignal
  log: (line: string) => void
}

/** How often a page whose transaction failed is written again; each try has the producer's own time, and its retries, for itself. */
const RETRIES = 4
const BACKOFF = { initialMs: 200, maxMs: 5_000 }

type Outcome = { is: 'committed' } | { is: 'failed'; error: MillraceError }

/**
 * Writes the pages of a source, each in one transaction with the cursor behind it (P4): after a crash between or within pages
 * nothing of a page is there, or all of it and its cursor. The transactional id is named after the cursor, so that opening one
 * fences whoever wrote for the same source before.
 */
export class PageWriter {
  readonly #options: PageWriterOptions
  #producer: SourceTransactions
  /** As it stands in the topic. */
  #position: StoredCursor | null

  private constructor(options: PageWriterOptions, producer: SourceTransactions, position: StoredCursor | null) {
    this.#options = options
    this.#producer = producer
    this.#position = position
  }

  /**
   * Takes over the source. The cursor is read only when nobody else can write it any more, and what they had left open is settled.
   * Rejects as `init` of a transactional producer does, DATA_CORRUPT for a cursor that cannot be read.
   */
  static async open(options: PageWriterOptions): Promise<PageWriter> {
    const { producer, position } = await takeOver(options)
    return new PageWriter(options, producer, position)
  }

  /** Null when the source has none yet. */
  get cursor(): Json | null {
    return this.#position?.cursor ?? null
  }

  /** Records that all pages up to the cursor held. */
  get fetched(): number {
    return this.#position?.fetched ?? 0
  }

  /**
   * Resolves when the page and the cursor behind it are committed. A transaction that failed is aborted and tried again; one whose
   * outcome is unknown is settled by taking over anew, and the cursor tells. Rejects PRODUCER_FENCED when another run has taken over.
   * @param fetched records of the page before steps
   */
  async write(records: readonly OutgoingRecord[], next: Json, fetched: number): Promise<void> {
    const { source, run, clock, signal, log } = this.#options
    const { dagId: dag, runId, attempt: ofRun } = run
    const at = new Date(clock.nowMs()).toISOString()
    const stored: StoredCursor = { v: 1, cursor: next, dag, run: runId, attempt: ofRun, fetched: this.fetched + fetched, at }
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#try(records, stored)
      if (outcome.is === 'committed') break
      const { error } = outcome
      if (!error.retriable || attempt >= RETRIES) throw error
      log(`${source}: a page was not committed (${error.message}); try ${attempt + 2} of ${RETRIES + 1}`)
      await clock.sleep(backoffMs(attempt, BACKOFF), signal)
    }
    this.#position = stored
  }

  /** Aborts what is open. */
  close(options?: { timeoutMs?: number }): Promise<void> {
    return this.#producer.close(options)
  }

  async #try(records: readonly OutgoingRecord[], stored: StoredCursor): Promise<Outcome> {
    const { project, source } = this.#options
    const producer = this.#producer
    try {
      await producer.begin()
      producer.send([...records, cursorRecord(project, source, stored)]).catch(() => {}) // told by commit
      await producer.commit()
      return { is: 'committed' }
    } catch (thrown) {
      return this.#recover(asMillraceError(thrown, 'KAFKA'), stored)
    }
  }

  async #recover(error: MillraceError, stored: StoredCursor): Promise<Outcome> {
    stopIfAborted(this.#options.signal)
    if (error.code === 'PRODUCER_FENCED') throw await this.#fenced(error)
    if (this.#producer.state.is === 'failed') throw error
    if (this.#producer.state.is === 'spoiled') {
      try {
        await this.#producer.abort()
        return { is: 'failed', error }
      } catch (thrown) {
        const refused = asMillraceError(thrown, 'KAFKA')
        if (refused.code === 'PRODUCER_FENCED') throw await this.#fenced(refused)
        if (!refused.retriable) throw refused
      }
    }
    if (this.#producer.state.is === 'ready') return { is: 'failed', error }
    return this.#takeOverAgain(error, stored)
  }

  /** The outcome is unknown: it is settled by taking over, and the cursor says how. */
  async #takeOverAgain(error: MillraceError, stored: StoredCursor): Promise<Outcome> {
    await this.#producer.close({ timeoutMs: 0 })
    stopIfAborted(this.#options.signal)
    const { producer, position } = await takeOver(this.#options)
    this.#producer = producer
    if (isSame(position, stored)) return { is: 'committed' }
    if (!isSame(position, this.#position)) throw overtaken(this.#options, error, position)
    return { is: 'failed', error }
  }

  async #fenced(error: MillraceError): Promise<MillraceError> {
    const { kafka, project, source, signal } = this.#options
    const position = await readCursor(kafka, project, source, signal).catch(() => null)
    return overtaken(this.#options, error, position)
  }
}

async function takeOver(options: PageWriterOptions): Promise<{ producer: SourceTransactions; position: StoredCursor | null }> {
  const { kafka, project, source, signal } = options
  const producer = kafka.transactionalProducer({ transactionalId: names.transactionalId(project, 'source', source, '0') })
  try {
    await producer.init()
    return { producer, position: await readCursor(kafka, project, source, signal) }
  } catch (error) {
    void producer.close({ timeoutMs: 0 }).catch(() => {})
    throw withTransactionRights(asMillraceError(error, 'KAFKA'), project)
  }
}

function isSame(a: StoredCursor | null, b: StoredCursor | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/**
 * Not worth another attempt when the other run is at work: that would only fence it in turn. As long as nobody else has written,
 * it may have been the transaction's time-out (a process that slept).
 */
function overtaken({ source, run }: PageWriterOptions, cause: MillraceError, position: StoredCursor | null): MillraceError {
  const isOther = position !== null && (position.dag !== run.dagId || position.run !== run.runId || position.attempt !== run.attempt)
  const who = isOther
    ? `run ${position.run}${position.dag && ` of DAG ${position.dag}`}, attempt ${position.attempt}`
    : 'one that has not written a page yet'
  return new MillraceError(
    'PRODUCER_FENCED',
    `Source ${source}: another run of it has taken over (${who}); this one ends, and nothing that it had not committed is written. Only one run of a source can write: give the source another name where two should read side by side.`,
    { cause, retriable: !isOther, details: { source, ...(isOther ? { run: position.run, attempt: position.attempt } : {}) } },
  )
}
