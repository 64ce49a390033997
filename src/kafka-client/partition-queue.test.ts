import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { PartitionQueue } from './partition-queue.ts'
import { type ProducerBatch, SendCall } from './producer-batch.ts'

const record = { key: null, value: new Uint8Array(10), headers: [], timestampMs: 0 }

/** A partition's log that knows producers as a broker does (KIP-98): the last five batches, no gaps. */
class Log {
  readonly values: number[] = []
  #producers = new Map<bigint, { next: number; recent: { base: number; offset: bigint }[] }>()

  append(batch: ProducerBatch, values: readonly number[]): { is: 'ok'; offset: bigint } | { is: 'gap' } {
    const sequence = batch.sequence
    if (!sequence) throw new Error('a batch without a sequence')
    const known = this.#producers.get(sequence.producerId)
    const duplicate = known?.recent.find(({ base }) => base === sequence.base)
    if (duplicate) return { is: 'ok', offset: duplicate.offset }
    if (known && known.next !== sequence.base) return { is: 'gap' }
    const offset = BigInt(this.values.length)
    this.values.push(...values)
    const recent = [...(known?.recent ?? []), { base: sequence.base, offset }].slice(-5)
    this.#producers.set(sequence.producerId, { next: sequence.base + batch.records.length, recent })
    return { is: 'ok', offset }
  }

  forgetProducers(): void {
    this.#producers.clear()
  }
}

type Fate = 'answered' | 'refused before' | 'answer lost' | 'request lost'
const fates: fc.Arbitrary<Fate> = fc.constantFrom('answered', 'answered', 'answered', 'refused before', 'answer lost', 'request lost')

/** Plays a sender against the log; in flight requests are handled in order, and after a lost one the connection is gone. */
function play(
  batchSizes: readonly number[],
  fate: () => Fate,
  onSent: (log: Log) => void = () => undefined,
): { log: Log; acknowledged: Promise<unknown>[] } {
  const queue = new PartitionQueue('t', 0, { idempotent: true })
  const log = new Log()
  const values = new Map<object, number>()
  const acknowledged: Promise<unknown>[] = []
  let next = 0
  let identities = 0n
  for (const size of batchSizes) {
    const call = new SendCall(size)
    acknowledged.push(call.promise)
    for (let slot = 0; slot < size; slot++) {
      const own = { ...record }
      values.set(own, next++)
      queue.append(own, 10, call, slot, 1_000_000, 0)
    }
    queue.closeOpen()
  }
  for (let steps = 0; !queue.isEmpty && steps < 10_000; steps++) {
    if (queue.needsIdentity) queue.identify({ producerId: ++identities, producerEpoch: 0 })
    const flight: ProducerBatch[] = []
    while (queue.maySend) {
      const batch = queue.take()
      if (!batch) break
      flight.push(batch)
    }
    onSent(log)
    let isCut = false
    for (const batch of flight) {
      const drawn = fate()
      if (isCut || drawn === 'request lost') {
        isCut = true
        queue.returned(batch, 0)
        continue
      }
      if (drawn === 'refused before') {
        queue.returned(batch, 0)
        continue
      }
      const result = log.append(
        batch,
        batch.records.map((own) => values.get(own) ?? -1),
      )
      if (drawn === 'answer lost') {
        isCut = true
        queue.returned(batch, 0)
      } else if (result.is === 'gap') {
        if (!queue.hasEarlier(batch)) queue.forgetIdentity()
        queue.returned(batch, 0)
      } else {
        queue.acknowledged(batch)
        batch.acknowledge('t', 0, result.offset)
      }
    }
  }
  return { log, acknowledged }
}

describe('the batches of one partition', () => {
  it('are written once and in order, whatever is lost on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }), fc.infiniteStream(fates), async (sizes, drawn) => {
        const { log, acknowledged } = play(sizes, () => drawn.next().value ?? 'answered')
        await Promise.all(acknowledged)
        const total = sizes.reduce((sum, size) => sum + size, 0)
        expect(log.values).toEqual(Array.from({ length: total }, (_, i) => i))
      }),
    )
  })

  it('are not lost when the broker forgets its producers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }), fc.infiniteStream(fates), async (sizes, drawn) => {
        const { log, acknowledged } = play(
          sizes,
          () => drawn.next().value ?? 'answered',
          (log) => log.forgetProducers(),
        )
        await Promise.all(acknowledged)
        const total = sizes.reduce((sum, size) => sum + size, 0)
        expect([...new Set(log.values)].toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i))
      }),
    )
  })

  it('take the sequence of one that was refused, since the broker never saw it used', () => {
    const queue = withBatches(3)
    const [first, second] = takeAcknowledged(queue)
    queue.refused(first)
    queue.returned(second, 0)
    expect(queue.take()?.sequence?.base).toBe(first.sequence?.base)
  })

  it('go out as halves in their place when one was too large', () => {
    const queue = withBatches(3, 4)
    const [first, second] = takeAcknowledged(queue)
    queue.divided(first)
    queue.returned(second, 0)
    const sent = [queue.take(), queue.take(), queue.take()]
    const base = first.sequence?.base ?? -1
    expect(sent.map((batch) => [batch?.records.length, batch?.sequence?.base])).toEqual([
      [2, base],
      [2, base + 2],
      [4, base + 4],
    ])
  })

  it('come from a fresh producer id after one expired with its outcome unknown', () => {
    const queue = withBatches(1)
    const [first] = takeAcknowledged(queue, 1)
    queue.returned(first, 0)
    expect(queue.expire(1)).toHaveLength(1)
    expect(queue.needsIdentity).toBe(true)
  })

  it('fail together with their call when they are abandoned', async () => {
    const queue = new PartitionQueue('t', 0, { idempotent: true })
    const call = new SendCall(1)
    queue.append(record, 10, call, 0, 1000, 0)
    queue.abandon(new MillraceError('CLOSED', 'closed'))
    await expect(call.promise).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('are in flight one at a time without idempotence, so that a retry cannot overtake', () => {
    const queue = new PartitionQueue('t', 0, { idempotent: false })
    fill(queue, 3, 1)
    expect(queue.maySend).toBe(true)
    queue.take()
    expect(queue.maySend).toBe(false)
  })
})

function fill(queue: PartitionQueue, batches: number, recordsEach: number): void {
  for (let i = 0; i < batches; i++) {
    for (let slot = 0; slot < recordsEach; slot++) queue.append(record, 10, new SendCall(1), 0, 1_000_000, 0)
    queue.closeOpen()
  }
}

/** A queue that the broker knows already, with batches waiting. */
function withBatches(batches: number, recordsEach = 1): PartitionQueue {
  const queue = new PartitionQueue('t', 0, { idempotent: true })
  queue.identify({ producerId: 1n, producerEpoch: 0 })
  fill(queue, 1, recordsEach)
  const first = queue.take()
  if (first) queue.acknowledged(first)
  fill(queue, batches, recordsEach)
  return queue
}

function takeAcknowledged(queue: PartitionQueue, count = 2): [ProducerBatch, ProducerBatch] {
  const first = queue.take()
  const second = count > 1 ? queue.take() : first
  if (!first || !second) throw new Error('there was nothing to take')
  return [first, second]
}
