import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeTransactions,
  encodeBatch,
  endTxn,
  fetch,
  findCoordinator,
  initProducerId,
  listTransactions,
  offsetFetch,
  produce,
  txnOffsetCommit,
  type InitProducerIdResponse,
} from '../../../src/kafka-wire/index.ts'
import type { RawKafka } from '../raw-kafka.ts'
import { AT_MS, create, offsets, TIMEOUT_MS, type KafkaAction } from './requests.ts'

interface Ids {
  producerId: bigint
  producerEpoch: number
}

/** One transactional producer with its own topic. While an end is carried out Kafka answers CONCURRENT_TRANSACTIONS (51): asked again. */
class Transactional {
  readonly #kafka: RawKafka
  readonly id: string
  readonly topic: string
  ids: Ids = { producerId: -1n, producerEpoch: -1 }
  #sequence = 0

  constructor(kafka: RawKafka, id: string) {
    this.#kafka = kafka
    this.id = id
    this.topic = `of-${id}`
  }

  async begin(): Promise<InitProducerIdResponse> {
    await create({ name: this.topic })(this.#kafka)
    const ask = (): ReturnType<Transactional['initialise']> => this.initialise()
    let answer = await ask()
    while (answer.errorCode === 51 || answer.errorCode === 15 || answer.errorCode === 16 || answer.errorCode === 14) {
      await this.#kafka.ask(findCoordinator, 3, { key: this.id, keyType: 1 })
      answer = await ask()
    }
    this.ids = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    this.#sequence = 0
    return answer
  }

  initialise(over: Partial<Ids> & { transactionTimeoutMs?: number } = {}): Promise<InitProducerIdResponse> {
    return this.#kafka.ask(initProducerId, 4, { transactionalId: this.id, transactionTimeoutMs: 60_000, ...over })
  }

  async add(topic = this.topic, over: Partial<Ids> = {}): Promise<number | undefined> {
    const { producerId, producerEpoch } = { ...this.ids, ...over }
    const ask = async (): Promise<number | undefined> => {
      const { resultsByTopicV3AndBelow } = await this.#kafka.ask(addPartitionsToTxn, 3, {
        v3AndBelowTransactionalId: this.id,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [0] }],
      })
      return resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode
    }
    let code = await ask()
    while (code === 51) code = await ask()
    return code
  }

  async write(value: string, version = 11): Promise<unknown> {
    const records = encodeBatch({
      records: [{ key: Buffer.from('k'), value: Buffer.from(value), timestampMs: AT_MS }],
      compression: 'none',
      ...this.ids,
      baseSequence: this.#sequence,
      isTransactional: true,
    })
    const ask = async () => {
      const { responses } = await this.#kafka.ask(produce, version, {
        transactionalId: this.id,
        acks: -1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name: this.topic, partitionData: [{ index: 0, records }] }],
      })
      return responses[0]?.partitionResponses[0]
    }
    let answer = await ask()
    // The partition of a new topic has no leader yet (3, 6), or the end of the transaction before is under way (19, 51).
    while ([3, 6, 19, 51].includes(answer?.errorCode ?? 0)) answer = await ask()
    if (answer?.errorCode === 0) this.#sequence++
    return { errorCode: answer?.errorCode, baseOffset: answer?.baseOffset }
  }

  async end(committed: boolean, version = 4): Promise<unknown> {
    const ask = () => this.#kafka.ask(endTxn, version, { transactionalId: this.id, ...this.ids, committed })
    let answer = await ask()
    while (answer.errorCode === 51) answer = await ask()
    if (version >= 5 && answer.errorCode === 0) {
      const raisedBy = answer.producerEpoch - this.ids.producerEpoch
      this.ids = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      this.#sequence = 0
      return { errorCode: answer.errorCode, raisedBy }
    }
    return { errorCode: answer.errorCode }
  }

  /** Once the end is carried out; epochs and times left out. */
  async state(): Promise<unknown> {
    const ask = () => this.#kafka.ask(describeTransactions, 0, { transactionalIds: [this.id] })
    let { transactionStates } = await ask()
    while (transactionStates[0]?.transactionState.startsWith('Prepare')) ({ transactionStates } = await ask())
    return transactionStates.map(({ transactionStartTimeMs, producerEpoch: _epoch, ...rest }) => ({
      ...rest,
      started: transactionStartTimeMs > 0n,
    }))
  }

  /** All that readers of committed records are given. */
  async read(isolationLevel = 1): Promise<unknown> {
    const answer = await this.#kafka.ask(fetch, 11, {
      maxWaitMs: 100,
      minBytes: 0,
      isolationLevel,
      topics: [{ topic: this.topic, partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100_000 }] }],
    })
    return answer.responses.map(({ partitions }) =>
      partitions.map(({ highWatermark, lastStableOffset, abortedTransactions, records }) => ({
        highWatermark,
        lastStableOffset,
        abortedTransactions,
        bytes: records?.length,
      })),
    )
  }
}

async function committedAndAborted(kafka: RawKafka): Promise<unknown> {
  const one = new Transactional(kafka, 'plain')
  const begun = (await one.begin()).errorCode
  return {
    begun,
    empty: await one.state(),
    added: await one.add(),
    addedTwice: await one.add(),
    written: await one.write('a'),
    open: await one.state(),
    readWhileOpen: await one.read(),
    readUncommitted: await one.read(0),
    endWhileOpen: await offsets(-1n, { topic: one.topic, isolationLevel: 1 })(kafka),
    aborted: await one.end(false),
    state: await one.state(),
    abortedTwice: await one.end(false),
    committedAfterAbort: await one.end(true),
    readAborted: await one.read(),
    addedAgain: await one.add(),
    writtenAgain: await one.write('b'),
    committed: await one.end(true),
    stateAgain: await one.state(),
    readCommitted: await one.read(),
    late: await one.write('late'),
  }
}

async function wrongRequests(kafka: RawKafka): Promise<unknown> {
  const one = new Transactional(kafka, 'wrong')
  await one.begin()
  return {
    writtenWithoutAdding: await one.write('x'),
    writtenWithoutAddingBefore: await one.write('x', 9),
    endedEmpty: await one.end(true),
    missingTopic: await one.add('missing'),
    otherProducer: await one.add(one.topic, { producerId: one.ids.producerId + 1000n }),
    newerEpoch: await one.add(one.topic, { producerEpoch: one.ids.producerEpoch + 1 }),
    olderEpoch: await one.add(one.topic, { producerEpoch: one.ids.producerEpoch - 1 }),
    longTimeout: (await one.initialise({ transactionTimeoutMs: 900_001 })).errorCode,
    noTimeout: (await one.initialise({ transactionTimeoutMs: 0 })).errorCode,
    ofAnotherProducer: (await one.initialise({ producerId: one.ids.producerId + 1000n, producerEpoch: 0 })).errorCode,
    ofAnotherEpoch: (await one.initialise({ ...one.ids, producerEpoch: 77 })).errorCode,
    unknownIdOfNoProducer: (await new Transactional(kafka, 'zeros').initialise({ producerId: 0n, producerEpoch: 0 })).errorCode,
    unknownIdOfAProducer: (await new Transactional(kafka, 'expired').initialise({ producerId: 4711n, producerEpoch: 7 })).errorCode,
    emptyId: (await kafka.ask(initProducerId, 4, { transactionalId: '', transactionTimeoutMs: 1000 })).errorCode,
    unknownId: (await kafka.ask(endTxn, 4, { transactionalId: 'nobody', producerId: 1n, producerEpoch: 0, committed: true })).errorCode,
    unknownDescribed: await kafka.ask(describeTransactions, 0, { transactionalIds: ['nobody'] }),
    unknownStates: (await kafka.ask(listTransactions, 0, { stateFilters: ['Odd', 'Ongoing'], producerIdFilters: [] })).unknownStateFilters,
  }
}

async function replaced(kafka: RawKafka): Promise<unknown> {
  const old = new Transactional(kafka, 'replaced')
  const fresh = new Transactional(kafka, 'replaced')
  await old.begin()
  const before = old.ids.producerEpoch
  await old.add()
  await old.write('zombie')
  const first = (await fresh.initialise()).errorCode
  await fresh.begin()
  return {
    first,
    newer: fresh.ids.producerEpoch > before,
    sameProducer: fresh.ids.producerId === old.ids.producerId,
    written: await old.write('zombie again'),
    added: await old.add(),
    ended: await old.end(true),
    read: await fresh.read(),
    freshAdded: await fresh.add(),
    freshWritten: await fresh.write('fresh'),
    freshEnded: await fresh.end(true),
    // Kafka 3.9 answers before its markers are written: the state says when they are.
    state: await fresh.state(),
    readFresh: await fresh.read(),
    bumped: (await fresh.initialise(fresh.ids)).producerEpoch - fresh.ids.producerEpoch,
  }
}

async function offsetsWithin(kafka: RawKafka): Promise<unknown> {
  const one = new Transactional(kafka, 'offsets')
  await one.begin()
  const groupId = 'of-a-transaction'
  const commit = (version: number, over: { generationIdOrMemberEpoch?: number; memberId?: string } = {}) =>
    kafka.ask(txnOffsetCommit, version, {
      transactionalId: one.id,
      groupId,
      ...one.ids,
      ...over,
      topics: [
        { name: one.topic, partitions: [0, 9].map((partitionIndex) => ({ partitionIndex, committedOffset: 3n, committedMetadata: 'm' })) },
      ],
    })
  const committed = (requireStable: boolean) =>
    kafka.ask(offsetFetch, 7, { groupId, topics: [{ name: one.topic, partitionIndexes: [0] }], requireStable })
  await kafka.ask(findCoordinator, 3, { key: groupId, keyType: 0 })
  return {
    early: await commit(3),
    earlyAndNewer: await commit(4),
    added: await kafka.ask(addOffsetsToTxn, 3, { transactionalId: one.id, ...one.ids, groupId }),
    committed: await commit(3),
    ofAGeneration: await commit(3, { generationIdOrMemberEpoch: 7, memberId: 'm' }),
    stable: await committed(true),
    unstable: await committed(false),
    ended: await one.end(true),
    state: await one.state(),
    afterwards: await committed(true),
  }
}

/** Transaction version 2 (KIP-890), which Kafka 3.9 does not have. */
async function raisedEpochs(kafka: RawKafka): Promise<unknown> {
  const one = new Transactional(kafka, 'raised')
  await one.begin()
  const before = one.ids
  const out = {
    written: await one.write('a', 12),
    committed: await one.end(true, 5),
  }
  const after = one.ids
  one.ids = before
  const again = await one.end(true, 5)
  const late = await one.write('late', 12)
  one.ids = after
  return {
    ...out,
    again,
    late,
    state: await one.state(),
    writtenAgain: await one.write('b', 12),
    aborted: await one.end(false, 5),
    abortedEmpty: await one.end(false, 5),
    committedEmpty: await one.end(true, 5),
    read: await one.read(),
  }
}

/** Transactions of version 1, and of version 2 where the broker has it (else those requests are sent in version 1's). */
export const transactionActions: readonly KafkaAction[] = [
  { name: 'transactions, committed and aborted', run: committedAndAborted },
  { name: 'requests that fit no transaction', run: wrongRequests },
  { name: 'a transactional producer that is replaced', run: replaced },
  { name: 'offsets within a transaction', run: offsetsWithin },
  { name: 'transactions that raise the epoch', run: raisedEpochs },
]
