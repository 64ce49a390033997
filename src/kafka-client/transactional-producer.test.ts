import { describe, expect, it } from 'vitest'
import { errorCodes } from '../kafka-wire/index.ts'
import { startScriptedTransactions } from './scripted-transactions.ts'

const record = { topic: 't', partition: 0, key: null, value: 'value' }
const offsets = [{ topic: 'from', partition: 0, offset: 5n, leaderEpoch: 0, metadata: '' }]
const group = { groupId: 'g', memberId: 'm', generationId: 3, groupInstanceId: null }
const options = { transactionalId: 'x' }

describe('a transaction of version 1', () => {
  it('adds partitions and offsets before they are written, and goes on in sequence', async () => {
    await using world = await startScriptedTransactions(1)
    await using producer = world.kafka.transactionalProducer(options)
    for (let i = 0; i < 2; i++) {
      await producer.begin()
      await producer.send([record, record])
      await producer.sendOffsets(offsets, group)
      await producer.commit()
    }
    const once = (sequence: number): string[] => [
      'AddPartitionsToTxn v3 7/0 t-0',
      `Produce v11 7/0 t-0 #${sequence} ×2`,
      'AddOffsetsToTxn 7/0 g',
      ...(sequence === 0 ? ['FindCoordinator group g'] : []),
      'TxnOffsetCommit v4 7/0 g m@3 ×1',
      'EndTxn v4 7/0 commit',
    ]
    expect(world.asked).toEqual(['FindCoordinator transaction x', 'InitProducerId -1/-1', ...once(0), ...once(2)])
  })

  it('that is aborted gets another epoch, from which sequences begin anew', async () => {
    await using world = await startScriptedTransactions(1)
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await producer.abort()
    await producer.begin()
    await producer.send([record])
    await producer.commit()
    expect(world.asked.slice(2)).toEqual([
      'AddPartitionsToTxn v3 7/0 t-0',
      'Produce v11 7/0 t-0 #0 ×1',
      'EndTxn v4 7/0 abort',
      'InitProducerId 7/0',
      'AddPartitionsToTxn v3 7/1 t-0',
      'Produce v11 7/1 t-0 #0 ×1',
      'EndTxn v4 7/1 commit',
    ])
  })

  it('adds the partitions of one call together', async () => {
    await using world = await startScriptedTransactions(1)
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record, { ...record, partition: 1 }])
    expect(world.asked.filter((words) => words.startsWith('AddPartitions'))).toEqual(['AddPartitionsToTxn v3 7/0 t-0 t-1'])
  })

  it('that the coordinator never heard of is aborted by the new epoch', async () => {
    await using world = await startScriptedTransactions(1, { verdicts: { EndTxn: [errorCodes.INVALID_TXN_STATE] } })
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await producer.abort()
    expect(producer.state).toEqual({ is: 'ready' })
  })
})

describe('a transaction of version 2 (KIP-890)', () => {
  it('needs no adding, and each one has an epoch of its own', async () => {
    await using world = await startScriptedTransactions(2)
    await using producer = world.kafka.transactionalProducer(options)
    for (const outcome of ['commit', 'abort', 'commit'] as const) {
      await producer.begin()
      await producer.send([record])
      await producer.sendOffsets(offsets, group)
      await producer[outcome]()
    }
    const one = (epoch: number, outcome: string): string[] => [
      `Produce v12 7/${epoch} t-0 #0 ×1`,
      `TxnOffsetCommit v5 7/${epoch} g m@3 ×1`,
      `EndTxn v5 7/${epoch} ${outcome}`,
    ]
    const asked = world.asked.filter((words) => !words.startsWith('FindCoordinator'))
    expect(asked).toEqual(['InitProducerId -1/-1', ...one(0, 'commit'), ...one(1, 'abort'), ...one(2, 'commit')])
  })

  it('whose coordinator has ended it otherwise was taken over, which the producer learns as from any other fencing', async () => {
    await using world = await startScriptedTransactions(2, { verdicts: { EndTxn: [errorCodes.INVALID_TXN_STATE] } })
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await expect(producer.commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
    expect(producer.state).toMatchObject({ is: 'failed' })
  })
})

describe.each([1, 2] as const)('a transactional producer (version %i)', (version) => {
  it('asks the coordinator for nothing when nothing was written', async () => {
    await using world = await startScriptedTransactions(version)
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.commit()
    expect(world.asked).toEqual(['FindCoordinator transaction x', 'InitProducerId -1/-1'])
  })

  it('waits while the transaction before is being ended', async () => {
    const busy = [errorCodes.CONCURRENT_TRANSACTIONS, errorCodes.CONCURRENT_TRANSACTIONS]
    const verdicts = {
      InitProducerId: [...busy],
      AddPartitionsToTxn: [...busy],
      Produce: version === 2 ? [...busy] : [],
      TxnOffsetCommit: [...busy],
      EndTxn: [...busy],
    }
    await using world = await startScriptedTransactions(version, { verdicts })
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await producer.sendOffsets(offsets, group)
    await producer.commit()
    expect(world.asked.filter((words) => words.startsWith('EndTxn'))).toHaveLength(3)
    expect(producer.state).toEqual({ is: 'ready' })
  })

  it('looks for the coordinator again when it has moved', async () => {
    await using world = await startScriptedTransactions(version, { verdicts: { EndTxn: [errorCodes.NOT_COORDINATOR] } })
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await producer.commit()
    expect(world.asked.filter((words) => words === 'FindCoordinator transaction x')).toHaveLength(2)
  })

  it.each([
    ['InitProducerId', errorCodes.PRODUCER_FENCED],
    ['Produce', errorCodes.INVALID_PRODUCER_EPOCH],
    ['TxnOffsetCommit', errorCodes.INVALID_PRODUCER_EPOCH],
    ['EndTxn', errorCodes.PRODUCER_FENCED],
  ] as const)('is of no more use once it is fenced (at %s)', async (api, code) => {
    await using world = await startScriptedTransactions(version, { verdicts: { [api]: [code] } })
    await using producer = world.kafka.transactionalProducer(options)
    const fenced = { code: 'PRODUCER_FENCED', retriable: false, details: { transactionalId: 'x', errorCode: code } }
    const writing = (async () => {
      await producer.begin()
      await producer.send([record])
      await producer.sendOffsets(offsets, group)
      await producer.commit()
    })()
    await expect(writing).rejects.toMatchObject(fenced)
    expect(producer.state).toMatchObject({ is: 'failed', error: fenced })
    const asked = world.asked.length
    await expect(producer.begin()).rejects.toMatchObject(fenced)
    await expect(producer.abort()).rejects.toMatchObject(fenced)
    await expect(producer.send([record])).rejects.toMatchObject(fenced)
    expect(world.asked).toHaveLength(asked)
  })

  it.each([
    ['Produce', errorCodes.TRANSACTION_ABORTABLE],
    ['Produce', errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER],
    ['Produce', errorCodes.INVALID_RECORD],
    ['TxnOffsetCommit', errorCodes.ILLEGAL_GENERATION],
    ['EndTxn', errorCodes.TRANSACTION_ABORTABLE],
  ] as const)('can only abort after a failure (at %s, error %i), and then go on', async (api, code) => {
    await using world = await startScriptedTransactions(version, { verdicts: { [api]: [code] } })
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    const sent = producer.send([record])
    const saved = producer.sendOffsets(offsets, group)
    await Promise.allSettled([sent, saved])
    await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA', details: { errorCode: code } })
    expect(producer.state.is).toBe('spoiled')
    await expect(producer.send([record])).rejects.toMatchObject({ details: { errorCode: code } })
    await producer.abort()
    await producer.begin()
    await producer.send([record])
    await producer.commit()
    expect(world.asked.at(-2)).toMatch(/^Produce v\d+ 7\/1 t-0 #0 ×1$/)
    expect(world.asked.at(-1)).toMatch(/^EndTxn v\d 7\/1 commit$/)
  })

  it('must abort when a delivery took too long', async () => {
    const verdicts = { Produce: Array.from({ length: 100 }, () => errorCodes.NOT_ENOUGH_REPLICAS) }
    await using world = await startScriptedTransactions(version, { verdicts })
    await using producer = world.kafka.transactionalProducer({ ...options, deliveryTimeoutMs: 2_000 })
    await producer.begin()
    await expect(producer.send([record])).rejects.toMatchObject({ code: 'TIMED_OUT' })
    await expect(producer.commit()).rejects.toMatchObject({ code: 'TIMED_OUT' })
    world.verdicts.Produce = []
    await producer.abort()
    await producer.begin()
    await producer.send([record])
    await producer.commit()
    expect(world.asked.at(-1)).toMatch(/7\/1 commit$/)
  })

  it('asks again for the outcome of a commit whose answer was lost', async () => {
    await using world = await startScriptedTransactions(version, { verdicts: { EndTxn: ['cut', 'cut'] } })
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await producer.commit()
    const commits = world.asked.filter((words) => words.startsWith('EndTxn'))
    expect(commits).toHaveLength(3)
    expect(new Set(commits).size).toBe(1)
  })

  it('says that the outcome is unknown when it is fenced after an answer was lost', async () => {
    await using world = await startScriptedTransactions(version, { verdicts: { EndTxn: ['cut', errorCodes.PRODUCER_FENCED] } })
    await using producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await expect(producer.commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED', details: { outcome: 'unknown' } })
  })

  it('says that the outcome is unknown when it asks again, in vain, after nobody told in time', async () => {
    await using world = await startScriptedTransactions(version, {
      verdicts: { EndTxn: ['silent', errorCodes.PRODUCER_FENCED] },
      requestTimeoutMs: 1_000,
    })
    await using producer = world.kafka.transactionalProducer({ ...options, deliveryTimeoutMs: 1 })
    await producer.begin()
    await producer.sendOffsets([{ topic: 't', partition: 0, offset: 1n, leaderEpoch: -1, metadata: '' }], { groupId: 'g' })
    await expect(producer.commit()).rejects.toMatchObject({ code: 'TIMED_OUT', details: { outcome: 'unknown' } })
    await expect(producer.commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED', details: { outcome: 'unknown' } })
  })

  it('keeps the records of an aborted transaction out of the next one', async () => {
    await using world = await startScriptedTransactions(version)
    await using producer = world.kafka.transactionalProducer({ ...options, lingerMs: 10_000, maxBufferedBytes: 500, batchBytes: 200 })
    await producer.begin()
    const sending = producer.send(Array.from({ length: 100 }, () => record))
    await producer.abort()
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED' })
    await producer.begin()
    await Promise.all([producer.send([record, record]), producer.commit()])
    expect(world.asked.filter((words) => words.startsWith('Produce')).at(-1)).toMatch(/ #0 ×2$/)
  })

  it('aborts what is open when it is closed', async () => {
    await using world = await startScriptedTransactions(version)
    const producer = world.kafka.transactionalProducer(options)
    await producer.begin()
    await producer.send([record])
    await producer.close()
    expect(world.asked.find((words) => words.startsWith('EndTxn'))).toMatch(/abort$/)
    await expect(producer.begin()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('takes calls in order only', async () => {
    await using world = await startScriptedTransactions(version)
    await using producer = world.kafka.transactionalProducer(options)
    await expect(producer.send([record])).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(producer.commit()).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await producer.abort()
    await producer.begin()
    await expect(producer.begin()).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    const committing = producer.commit()
    await expect(producer.send([record])).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await committing
  })
})
