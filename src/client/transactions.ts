import type { Topic } from '../authoring/index.ts'
import { names } from '../core/index.ts'
import type { Acknowledged, TransactionalProducer } from '../kafka-client/index.ts'
import { asMillraceError, MillraceError } from '../platform/index.ts'
import type { Systems } from './systems.ts'
import type { ProduceOptions, TopicRecords } from './topic-records.ts'

/** A transaction while it is open. */
export interface Transaction {
  /** As `produce` of the client. Need not be waited for: the transaction does, and what fails of it is the transaction's failure. */
  produce<In>(topic: Topic<In, unknown>, values: readonly NoInfer<In>[], options?: ProduceOptions): Promise<Acknowledged[]>
  produce<In>(topic: Topic<In, unknown>, value: NoInfer<In>, options?: ProduceOptions): Promise<Acknowledged>
}

/** How many run beside each other; others wait for one of them to end. */
const AT_ONCE = 4
/** How often a commit is asked again that nobody answered for. */
const COMMIT_TRIES = 3

/** One transactional producer, one transaction at a time. */
interface Slot {
  readonly index: number
  producer: TransactionalProducer | null
}

/** Runs transactions: all of one is seen by readers of committed records, or nothing. */
export class Transactions {
  readonly #systems: Systems
  readonly #records: TopicRecords
  readonly #instance: string
  readonly #free: Slot[] = Array.from({ length: AT_ONCE }, (_, i) => ({ index: AT_ONCE - 1 - i, producer: null }))
  readonly #waiting: ((slot: Slot) => void)[] = []

  /** @param instance names this process: whoever has it next settles what was left open */
  constructor(systems: Systems, records: TopicRecords, instance: string) {
    this.#systems = systems
    this.#records = records
    this.#instance = instance
  }

  async run<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T> {
    const slot = this.#free.pop() ?? (await new Promise<Slot>((resolve) => this.#waiting.push(resolve)))
    try {
      return await this.#run(slot, work)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(slot)
      else this.#free.push(slot)
    }
  }

  async #run<T>(slot: Slot, work: (tx: Transaction) => T | Promise<T>): Promise<T> {
    slot.producer ??= await this.#open(slot.index)
    const { producer } = slot
    const open = new OpenTransaction(producer, this.#records)
    try {
      await producer.begin()
      const result = await work(open)
      await open.settled()
      await commit(producer)
      return result
    } catch (error) {
      open.end()
      await producer.abort().catch(() => undefined)
      throw error
    } finally {
      open.end()
      // Fenced, in doubt or out of reach: the next one under this id settles what became of it.
      if (producer.state.is !== 'ready') {
        slot.producer = null
        await producer.close({ timeoutMs: 0 })
      }
    }
  }

  async #open(index: number): Promise<TransactionalProducer> {
    const kafka = await this.#systems.kafka()
    const project = this.#systems.where.project ?? 'service'
    return kafka.transactionalProducer({ transactionalId: names.transactionalId(project, 'client', this.#instance, String(index)) })
  }
}

class OpenTransaction implements Transaction {
  readonly #producer: TransactionalProducer
  readonly #records: TopicRecords
  readonly #produced: Promise<unknown>[] = []
  #hasEnded = false

  constructor(producer: TransactionalProducer, records: TopicRecords) {
    this.#producer = producer
    this.#records = records
  }

  produce<In>(topic: Topic<In, unknown>, values: readonly NoInfer<In>[], options?: ProduceOptions): Promise<Acknowledged[]>
  produce<In>(topic: Topic<In, unknown>, value: NoInfer<In>, options?: ProduceOptions): Promise<Acknowledged>
  produce<In>(topic: Topic<In, unknown>, given: In | readonly In[], options?: ProduceOptions): Promise<Acknowledged | Acknowledged[]> {
    const sending = this.#send(topic, given, options)
    this.#produced.push(sending)
    sending.catch(() => undefined) // told by the transaction
    return sending
  }

  /** Rejects with the first failure, once all that was produced has ended. */
  async settled(): Promise<void> {
    for (let seen = 0; seen < this.#produced.length;) {
      const some = this.#produced.slice(seen)
      seen = this.#produced.length
      for (const ended of await Promise.allSettled(some)) if (ended.status === 'rejected') throw ended.reason
    }
    this.end()
  }

  end(): void {
    this.#hasEnded = true
  }

  async #send<In>(topic: Topic<In, unknown>, given: In | readonly In[], options?: ProduceOptions): Promise<Acknowledged | Acknowledged[]> {
    this.#check()
    const records = await this.#records.of(topic, listOf(given), options)
    this.#check()
    return oneOrAll(given, await this.#producer.send(records))
  }

  #check(): void {
    if (this.#hasEnded) throw new MillraceError('BAD_REQUEST', 'The transaction has ended: produce within its function, or start another.')
  }
}

/** Asks again while nobody tells whether it is done. */
async function commit(producer: TransactionalProducer): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await producer.commit()
    } catch (error) {
      if (asMillraceError(error).details.outcome !== 'unknown' || producer.state.is !== 'in doubt' || attempt === COMMIT_TRIES) throw error
    }
  }
}

export function listOf<In>(given: In | readonly In[]): readonly In[] {
  return isList(given) ? given : [given]
}

/** What was acknowledged, in the form in which values were given. */
export function oneOrAll(given: unknown, acknowledged: Acknowledged[]): Acknowledged | Acknowledged[] {
  const [first] = acknowledged
  return Array.isArray(given) || first === undefined ? acknowledged : first
}

function isList<In>(given: In | readonly In[]): given is readonly In[] {
  return Array.isArray(given)
}
