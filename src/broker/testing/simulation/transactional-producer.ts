import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  errorCodes,
  initProducerId,
  produce,
  txnOffsetCommit,
  type Api,
} from '../../../kafka-wire/index.ts'
import { places, type Action } from './history.ts'
import type { Transaction } from './model.ts'
import { batchOf, type Scene } from './scene.ts'

type Planned = Extract<Action, { is: 'transaction' }>

/** Kafka's clients ask again after these. */
const again = new Set<number>([
  errorCodes.CONCURRENT_TRANSACTIONS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.NOT_COORDINATOR,
  errorCodes.NOT_ENOUGH_REPLICAS,
  errorCodes.KAFKA_STORAGE_ERROR,
  errorCodes.REQUEST_TIMED_OUT,
])
export const transactionTimeoutMs = 8_000

/** A transactional producer: one transaction at a time, of version 1 or 2 (KIP-890), over restarts of the broker. */
export class TransactionalProducer {
  readonly #scene: Scene
  readonly #number: number
  readonly #isVersion2: boolean
  #ids: { producerId: bigint; producerEpoch: number } | null = null
  #sequences = places.map(() => 0)
  #isBusy = false
  #count = 0
  /** Of its group, in their order. */
  readonly withOffsets: Transaction[] = []

  constructor(scene: Scene, number: number) {
    this.#scene = scene
    this.#number = number
    this.#isVersion2 = number > 0
  }

  get transactionalId(): string {
    return `transactional-${this.#number}`
  }
  get groupId(): string {
    return `group of ${this.transactionalId}`
  }

  /** Fences whoever was before; what was left open is aborted. */
  async initialise(patient = false): Promise<boolean> {
    const body = { transactionalId: this.transactionalId, transactionTimeoutMs }
    const answer = await this.#ask(initProducerId, 4, body, ({ errorCode }) => errorCode, patient ? 'retry' : 'give up')
    if (answer?.errorCode !== errorCodes.NONE) return false
    this.#take(answer)
    return true
  }

  #take({ producerId, producerEpoch }: { producerId: bigint; producerEpoch: number }): void {
    if (this.#ids?.producerEpoch === producerEpoch && this.#ids.producerId === producerId) return
    this.#ids = { producerId, producerEpoch }
    this.#sequences = places.map(() => 0)
  }

  async run(plan: Planned): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      if (!this.#ids && !(await this.initialise())) return
      const transaction: Transaction = { id: `${this.transactionalId}/${++this.#count}`, state: 'open', offset: null }
      if (!(await this.#work(plan, transaction))) this.#ids = null
    } finally {
      this.#isBusy = false
    }
  }

  async #work(plan: Planned, transaction: Transaction): Promise<boolean> {
    for (const { place, count } of plan.writes) if (!(await this.#write(plan, transaction, place, count))) return false
    if (plan.withOffset && !(await this.#commitOffset(plan, transaction))) return false
    return plan.end === 'leave' ? false : this.#end(plan, transaction)
  }

  async #write(plan: Planned, transaction: Transaction, place: number, count: number): Promise<boolean> {
    const { topic, partition } = places[place] ?? { topic: 'log', partition: 0 }
    const ids = this.#ids
    if (!ids) return false
    if (!this.#isVersion2) {
      const v3AndBelowTopics = [{ name: topic, partitions: [partition] }]
      const body = { ...this.#v3Names(ids), v3AndBelowTopics }
      const code = ({
        resultsByTopicV3AndBelow: [first],
      }: {
        resultsByTopicV3AndBelow: { resultsByPartition: { partitionErrorCode: number }[] }[]
      }): number => first?.resultsByPartition[0]?.partitionErrorCode ?? -1
      const added = await this.#ask(addPartitionsToTxn, 3, body, code, plan.whenLost)
      if (!added || code(added) !== errorCodes.NONE) return false
    }
    const baseSequence = this.#sequences[place] ?? 0
    const records = Array.from({ length: count }, () => this.#scene.newRecord(place, transaction))
    const bytes = (): Uint8Array => batchOf(records, { ...ids, baseSequence, isTransactional: true })
    const body = () => ({
      transactionalId: this.transactionalId,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: bytes() }] }],
    })
    const code = ({ responses: [first] }: { responses: { partitionResponses: { errorCode: number; baseOffset: bigint }[] }[] }) =>
      first?.partitionResponses[0]
    const answer = await this.#ask(
      produce,
      this.#isVersion2 ? 12 : 11,
      body(),
      (response) => code(response)?.errorCode ?? -1,
      plan.whenLost,
    )
    const told = answer && code(answer)
    if (!told || told.errorCode !== errorCodes.NONE) return false
    for (const [i, sent] of records.entries()) this.#scene.model.acknowledge(sent, Number(told.baseOffset) + i, 'power')
    this.#sequences[place] = baseSequence + count
    return true
  }

  #v3Names(ids: { producerId: bigint; producerEpoch: number }) {
    return {
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: ids.producerId,
      v3AndBelowProducerEpoch: ids.producerEpoch,
    }
  }

  async #commitOffset(plan: Planned, transaction: Transaction): Promise<boolean> {
    const { transactionalId, groupId } = this
    if (!this.#ids) return false
    if (!this.#isVersion2) {
      const added = await this.#ask(
        addOffsetsToTxn,
        3,
        { transactionalId, groupId, ...this.#ids },
        ({ errorCode }) => errorCode,
        plan.whenLost,
      )
      if (added?.errorCode !== errorCodes.NONE) return false
    }
    const offset = this.#count
    const topics = [{ name: 'log', partitions: [{ partitionIndex: 0, committedOffset: BigInt(offset), committedMetadata: 'm' }] }]
    const code = ({ topics: [first] }: { topics: { partitions: { errorCode: number }[] }[] }): number =>
      first?.partitions[0]?.errorCode ?? -1
    const answer = await this.#ask(
      txnOffsetCommit,
      this.#isVersion2 ? 5 : 4,
      { transactionalId, groupId, ...this.#ids, topics },
      code,
      plan.whenLost,
    )
    if (!answer || code(answer) !== errorCodes.NONE) return false
    transaction.offset = offset
    this.withOffsets.push(transaction)
    return true
  }

  async #end(plan: Planned, transaction: Transaction): Promise<boolean> {
    if (!this.#ids) return false
    const committed = plan.end === 'commit'
    const { lives } = this.#scene
    if (committed) transaction.state = 'ending'
    const body = { transactionalId: this.transactionalId, ...this.#ids, committed }
    const answer = await this.#ask(endTxn, this.#isVersion2 ? 5 : 4, body, ({ errorCode }) => errorCode, plan.whenLost)
    if (answer?.errorCode === errorCodes.NONE) {
      this.#scene.decide(transaction, committed ? 'committed' : 'aborted')
      if (this.#isVersion2) this.#take(answer)
      return true
    }
    // Refused at the first try, and for good: it never began to end.
    if (committed && answer && !again.has(answer.errorCode) && lives === this.#scene.lives && this.#asked === 1)
      this.#scene.decide(transaction, 'aborted')
    return false
  }

  /** How often the last request was sent. */
  #asked = 0

  /** Asks until there is an answer that is not to be asked again, a few times; in the next life of the broker too, with `retry`. */
  async #ask<Req, Res, SparseReq, SparseRes>(
    api: Api<Req, Res, SparseReq, SparseRes>,
    version: number,
    body: NoInfer<SparseReq>,
    errorCode: (answer: Res) => number,
    whenLost: Planned['whenLost'],
  ): Promise<Res | null> {
    this.#asked = 0
    for (;;) {
      this.#asked++
      const { lives } = this.#scene
      const answer = await this.#scene.life.ask(api, version, body)
      if (answer !== null && !again.has(errorCode(answer))) return answer
      if (this.#asked > 8 || (answer === null && whenLost === 'give up')) return answer
      if (answer === null && lives === this.#scene.lives) await this.#scene.nextLife()
      else await this.#scene.nextTurn()
    }
  }
}
