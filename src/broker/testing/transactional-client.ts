import {
  decodeBatch,
  encodeBatch,
  endTxn,
  errorCodes,
  fetch,
  initProducerId,
  metadata,
  offsetFetch,
  produce,
  readBatchHeader,
  txnOffsetCommit,
} from '../../kafka-wire/index.ts'
import type { Asking } from './ask.ts'

const noId = '00000000-0000-0000-0000-000000000000'

/** An answer that is no success: the outcome of what was asked is open. */
export class Refused extends Error {}

function must(errorCode: number | undefined): void {
  if (errorCode !== errorCodes.NONE) throw new Refused(`error ${errorCode}`)
}

/** A bare transactional producer of version 2 (KIP-890) for tests: one record to each topic and an offset in each transaction. */
export class TransactionalClient {
  readonly #client: Asking
  readonly #transactionalId: string
  #ids = { producerId: -1n, producerEpoch: -1 }
  #sequences = new Map<string, number>()

  constructor(client: Asking, transactionalId: string) {
    this.#client = client
    this.#transactionalId = transactionalId
  }

  /** Fences whoever was before, ends what they left open. */
  async begin(topics: readonly string[]): Promise<void> {
    const wanted = topics.map((name) => ({ name, topicId: noId }))
    const known = await this.#client.ask(metadata, 9, { topics: wanted, allowAutoTopicCreation: true })
    for (const { errorCode } of known.topics) must(errorCode)
    const ask = () => this.#client.ask(initProducerId, 4, { transactionalId: this.#transactionalId, transactionTimeoutMs: 60_000 })
    let answer = await ask()
    // A disk that takes nothing any more cannot end what is open.
    for (let tries = 0; tries < 50 && answer.errorCode === errorCodes.CONCURRENT_TRANSACTIONS; tries++) answer = await ask()
    must(answer.errorCode)
    this.#take(answer)
  }

  #take({ producerId, producerEpoch }: { producerId: bigint; producerEpoch: number }): void {
    this.#ids = { producerId, producerEpoch }
    this.#sequences.clear()
  }

  async write(topic: string, values: readonly string[]): Promise<void> {
    const sequence = this.#sequences.get(topic) ?? 0
    const records = encodeBatch({
      records: values.map((value) => ({ key: Buffer.from(value), value: Buffer.from(value), timestampMs: Date.now() })),
      compression: 'none',
      ...this.#ids,
      baseSequence: sequence,
      isTransactional: true,
    })
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
    const answer = await this.#client.ask(produce, 12, { transactionalId: this.#transactionalId, acks: -1, timeoutMs: 5000, topicData })
    must(answer.responses[0]?.partitionResponses[0]?.errorCode)
    this.#sequences.set(topic, sequence + values.length)
  }

  async commitOffset(groupId: string, topic: string, offset: bigint): Promise<void> {
    const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }]
    const topics = [{ name: topic, partitions }]
    const answer = await this.#client.ask(txnOffsetCommit, 5, { transactionalId: this.#transactionalId, groupId, ...this.#ids, topics })
    must(answer.topics[0]?.partitions[0]?.errorCode)
  }

  async end(committed: boolean): Promise<void> {
    const answer = await this.#client.ask(endTxn, 5, { transactionalId: this.#transactionalId, ...this.#ids, committed })
    must(answer.errorCode)
    this.#take(answer)
  }
}

/** The offset of the group in partition 0 once no transaction may change it; −1 when there is none. */
export async function stableOffset(client: Asking, groupId: string, topic: string): Promise<bigint> {
  const topics = [{ name: topic, partitionIndexes: [0] }]
  const answer = await client.ask(offsetFetch, 7, { groupId, topics, requireStable: true })
  const found = answer.topics[0]?.partitions[0]
  must(found?.errorCode)
  return found?.committedOffset ?? -1n
}

interface Committed {
  readonly values: string[]
  /** Where to go on. */
  readonly next: bigint
  readonly lastStable: bigint
  readonly high: bigint
}

/** Values of partition 0 from an offset on: all that is committed. */
export async function readCommitted(client: Asking, topic: string, from = 0n): Promise<Committed> {
  const values: string[] = []
  let read = await fetchCommitted(client, topic, from)
  for (let at = from; read.next > at; read = await fetchCommitted(client, topic, at)) {
    values.push(...read.values)
    at = read.next
  }
  return { ...read, values }
}

/** One answer's worth of them: what is aborted left out. */
async function fetchCommitted(client: Asking, topic: string, from: bigint): Promise<Committed> {
  const values: string[] = []
  const partitions = [{ partition: 0, fetchOffset: from, partitionMaxBytes: 1 << 24 }]
  const { responses } = await client.ask(fetch, 11, { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics: [{ topic, partitions }] })
  const found = responses[0]?.partitions[0]
  must(found?.errorCode)
  const records = Buffer.from(found?.records ?? [])
  const aborted = (found?.abortedTransactions ?? []).toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const dropped = new Set<bigint>()
  let next = from
  for (let at = 0; at < records.length;) {
    const header = readBatchHeader(records, at)
    if (!header) break
    while (aborted[0] && aborted[0].firstOffset <= header.baseOffset) dropped.add(aborted.shift()?.producerId ?? -1n)
    if (header.isControl) dropped.delete(header.producerId)
    else if (!header.isTransactional || !dropped.has(header.producerId)) {
      const decoded = decodeBatch(records, at, header)
      for (const { value, offset } of decoded.ok ? decoded.records : [])
        if (offset >= from) values.push(Buffer.from(value ?? []).toString())
    }
    next = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
    at += header.sizeBytes
  }
  return { values, next, lastStable: found?.lastStableOffset ?? -1n, high: found?.highWatermark ?? -1n }
}
