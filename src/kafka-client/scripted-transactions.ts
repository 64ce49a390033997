import type { Socket } from 'node:net'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  errorCodes,
  findCoordinator,
  initProducerId,
  produce,
  readBatchHeader,
  txnOffsetCommit,
} from '../kafka-wire/index.ts'
import { connectKafka, type KafkaClient } from './client.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

/** An error code; `cut`: done, but the connection is lost before the answer; `silent`: no answer. */
type Verdict = number | 'cut' | 'silent'
type Scripted = 'InitProducerId' | 'AddPartitionsToTxn' | 'AddOffsetsToTxn' | 'TxnOffsetCommit' | 'EndTxn' | 'Produce'

export interface ScriptedTransactions extends AsyncDisposable {
  readonly kafka: KafkaClient
  /** What was asked, in words: `Produce v11 7/0 t-0 #0 ×3` is producer 7, epoch 0, three records from sequence 0. */
  readonly asked: string[]
  /** How the next requests of an API are answered, in order; the rest succeed. */
  readonly verdicts: Partial<Record<Scripted, Verdict[]>>
  /** Of the requests that had one. */
  readonly timeoutsMs: number[]
}

/** A broker that coordinates transactions of version 1 or 2 as told, with topics `t` (two partitions) and `wide` (500), and a client of it. */
export async function startScriptedTransactions(
  version: 1 | 2,
  options: { verdicts?: Partial<Record<Scripted, Verdict[]>>; requestTimeoutMs?: number } = {},
): Promise<ScriptedTransactions> {
  const asked: string[] = []
  const timeoutsMs: number[] = []
  const verdicts = { ...options.verdicts }
  let epoch = -1
  let offset = 0n
  /** The error code to answer with; null: no answer. */
  const judge = (api: Scripted, socket: Socket, words: string): number | null => {
    asked.push(`${api} ${words}`)
    const verdict = verdicts[api]?.shift() ?? errorCodes.NONE
    if (typeof verdict === 'number') return verdict
    if (verdict === 'cut') socket.destroy()
    return null
  }
  const broker = await startScriptedBroker(
    (port) => [
      onMetadata(port, { t: 2, wide: 500 }),
      on(findCoordinator, ({ key, keyType, coordinatorKeys: [first] }) => {
        asked.push(`FindCoordinator ${keyType === 1 ? 'transaction' : 'group'} ${first ?? key}`)
        return { coordinators: [{ key: first ?? key, nodeId: 1, host: '127.0.0.1', port: port(), errorCode: 0, errorMessage: null }] }
      }),
      on(initProducerId, (request, socket) => {
        const code = judge('InitProducerId', socket, `${request.producerId}/${request.producerEpoch}`)
        timeoutsMs.push(request.transactionTimeoutMs)
        if (code === null) return undefined
        return code === errorCodes.NONE
          ? { errorCode: code, producerId: 7n, producerEpoch: ++epoch }
          : { errorCode: code, producerId: -1n, producerEpoch: -1 }
      }),
      on(addPartitionsToTxn, (request, socket, api) => {
        const topics = request.v3AndBelowTopics
        const named = topics.flatMap(({ name, partitions }) => partitions.map((partition) => `${name}-${partition}`))
        const identity = `${request.v3AndBelowProducerId}/${request.v3AndBelowProducerEpoch}`
        const code = judge('AddPartitionsToTxn', socket, `v${api} ${identity} ${named.join(' ')}`)
        if (code === null) return undefined
        const results = topics.map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode: code })),
        }))
        return { resultsByTopicV3AndBelow: results }
      }),
      on(addOffsetsToTxn, (request, socket) => {
        const code = judge('AddOffsetsToTxn', socket, `${request.producerId}/${request.producerEpoch} ${request.groupId}`)
        return code === null ? undefined : { errorCode: code }
      }),
      on(txnOffsetCommit, (request, socket, api) => {
        const { producerId, producerEpoch, groupId, generationIdOrMemberEpoch, memberId, topics } = request
        const count = topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
        const words = `v${api} ${producerId}/${producerEpoch} ${groupId} ${memberId}@${generationIdOrMemberEpoch} ×${count}`
        const code = judge('TxnOffsetCommit', socket, words)
        if (code === null) return undefined
        return {
          topics: topics.map(({ name, partitions }) => ({
            name,
            partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
          })),
        }
      }),
      on(endTxn, (request, socket, api) => {
        const { producerId, producerEpoch, committed } = request
        const code = judge('EndTxn', socket, `v${api} ${producerId}/${producerEpoch} ${committed ? 'commit' : 'abort'}`)
        if (code === null) return undefined
        if (version === 1 || code !== errorCodes.NONE) return { errorCode: code }
        epoch = producerEpoch + 1
        return { errorCode: code, producerId: 7n, producerEpoch: epoch }
      }),
      on(produce, ({ transactionalId, topicData }, socket, api) => {
        const batches = topicData.flatMap(({ name, partitionData }) =>
          partitionData.map(({ index, records }) => {
            const header = records && readBatchHeader(records, 0)
            if (!header?.isTransactional || transactionalId === null) throw new Error('a produce outside of transactions')
            const { producerId, producerEpoch, baseSequence, recordCount } = header
            return { words: `${producerId}/${producerEpoch} ${name}-${index} #${baseSequence} ×${recordCount}`, recordCount }
          }),
        )
        const code = judge('Produce', socket, `v${api} ${batches.map(({ words }) => words).join(', ')}`)
        if (code === null) return undefined
        const responses = topicData.map(({ name, partitionData }) => ({
          name,
          partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: code, baseOffset: code === 0 ? offset++ : -1n })),
        }))
        return { responses }
      }),
    ],
    { features: version === 2 ? { 'transaction.version': 2 } : {} },
  )
  const { requestTimeoutMs = 10_000 } = options
  const kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test', requestTimeoutMs })
  return {
    kafka,
    asked,
    verdicts,
    timeoutsMs,
    [Symbol.asyncDispose]: async () => {
      await kafka.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}
