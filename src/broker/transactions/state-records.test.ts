import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorCodes, WireError } from '../../kafka-wire/index.ts'
import { readTransactionRecord, transactionKey, transactionValue } from './state-records.ts'
import { addPartitions, complete, end, fence, initialise, newTransaction, type Transaction, type TransactionStatus } from './transaction.ts'

const status = fc.constantFrom<TransactionStatus>('Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort')
const id = fc.maxSafeNat()
const transaction: fc.Arbitrary<Transaction> = fc
  .record({
    transactionalId: fc.string({ maxLength: 20 }),
    producerId: id,
    epoch: fc.integer({ min: 0, max: 32_767 }),
    lastEpoch: fc.constant(-1),
    previousProducerId: fc.oneof(fc.constant(-1), id),
    nextProducerId: fc.oneof(fc.constant(-1), id),
    timeoutMs: fc.nat(900_000),
    status,
    partitions: fc
      .dictionary(fc.string({ minLength: 1, maxLength: 9 }), fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 4 }))
      .map((topics) => new Map(Object.entries(topics).map(([topic, partitions]) => [topic, new Set(partitions)]))),
    startMs: id,
    updateMs: id,
    clientVersion: fc.constantFrom(0, 2),
  })
  .map((one) => (one.status === 'Empty' ? { ...one, partitions: new Map() } : one))

describe('records of __transaction_state', () => {
  it('bring back every transaction', () => {
    fc.assert(
      fc.property(transaction, (one) => {
        const { transactionalId } = one
        expect(readTransactionRecord(transactionKey(transactionalId), transactionValue(one))).toEqual({ transactionalId, transaction: one })
      }),
    )
  })

  it('throw nothing but WireError on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(0, 1, 9), (bytes, version) => {
        try {
          readTransactionRecord(transactionKey('x'), Uint8Array.from([0, version, ...bytes]))
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })
})

describe('the states of a transaction', () => {
  const fresh = { producerId: () => 77, nowMs: 5 }
  const place = [{ topic: 't', partition: 0 }]
  const next = (outcome: ReturnType<typeof end>): Transaction => {
    if (outcome.is !== 'next') throw new Error(`not ${outcome.is}`)
    return outcome.to
  }

  it('never let a fenced producer do anything, whatever came before', () => {
    fc.assert(
      fc.property(transaction, fc.boolean(), fc.constantFrom(0, 2), (now, commit, clientVersion) => {
        const fenced = { ...fence({ ...now, epoch: Math.min(now.epoch, 32_000) }, 1), previousProducerId: -1 }
        const old = { producerId: fenced.producerId, epoch: fenced.epoch - 2, clientVersion }
        expect(addPartitions(complete(fenced, 2), { ...old, epoch: fenced.epoch - 1 }, place, 3).is).toBe('refused')
        expect(end(fenced, { ...old, commit }, fresh).is).toBe('refused')
      }),
    )
  })

  it('bring another producer id when the epochs are used up, and repeat the answer that was lost (KIP-890)', () => {
    const worn = { ...newTransaction('x', 1, 1000, 0), epoch: 32_766 }
    const open = next(addPartitions(worn, { producerId: 1, epoch: 32_766, clientVersion: 2 }, place, 1))
    const request = { producerId: 1, epoch: 32_766, commit: true, clientVersion: 2 }
    const prepared = next(end(open, request, fresh))
    expect(prepared).toMatchObject({ status: 'PrepareCommit', epoch: 32_767, nextProducerId: 77 })
    const done = complete(prepared, 9)
    expect(done).toMatchObject({ status: 'CompleteCommit', producerId: 77, epoch: 0, previousProducerId: 1 })
    expect(end(done, request, fresh)).toEqual({ is: 'same' })
    expect(next(initialise(worn, { timeoutMs: 1, producerId: -1, epoch: -1 }, fresh))).toMatchObject({ producerId: 77, epoch: 0 })
  })

  it('raise the epoch for a producer that asks for it, once (KIP-360)', () => {
    const now = { ...newTransaction('x', 1, 1000, 0), epoch: 4 }
    const raised = next(initialise(now, { timeoutMs: 1000, producerId: 1, epoch: 4 }, fresh))
    expect(raised.epoch).toBe(5)
    expect(initialise(raised, { timeoutMs: 1000, producerId: 1, epoch: 4 }, fresh)).toEqual({ is: 'same' })
    expect(initialise(raised, { timeoutMs: 1000, producerId: 1, epoch: 3 }, fresh)).toEqual({
      is: 'refused',
      errorCode: errorCodes.PRODUCER_FENCED,
    })
  })
})
