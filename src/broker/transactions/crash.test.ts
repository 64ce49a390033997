import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { startBroker, type BrokerHandle } from '../index.ts'
import { connectTo } from '../testing/ask.ts'
import { FailingDisk } from '../testing/failing-disk.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { readCommitted, stableOffset, TransactionalClient } from '../testing/transactional-client.ts'
import type { Disk } from '../../platform/index.ts'

const start = (disk: Disk): Promise<BrokerHandle> =>
  startBroker({
    dataDir: '/data',
    disk,
    listeners: [{ host: '127.0.0.1', port: 0 }],
    // Segments are rolled and compacted along the way.
    config: {
      'log.segment.bytes': '1500',
      'offsets.topic.segment.bytes': '1000',
      'transaction.state.log.segment.bytes': '1000',
      'log.cleaner.backoff.ms': '5',
    },
  })

/** Numbers of transactions, by what their producer was told. */
interface Told {
  readonly committed: number[]
  readonly aborted: number[]
}

/** Transactions until the disk gives up; each writes its number to two topics and commits it as an offset. */
async function work(disk: Disk, first: number): Promise<Told> {
  const told: Told = { committed: [], aborted: [] }
  let broker: BrokerHandle
  try {
    broker = await start(disk)
  } catch {
    return told
  }
  try {
    using client = await connectTo(broker.address)
    const producer = new TransactionalClient(client, 'x')
    await producer.begin(['t', 'u'])
    for (let i = first; i < first + 12; i++) {
      await producer.write('t', [`${i}`])
      await producer.write('u', [`${i}`])
      await producer.commitOffset('g', 't', BigInt(i))
      const commit = i % 3 !== 2
      await producer.end(commit)
      told[commit ? 'committed' : 'aborted'].push(i)
    }
  } catch {
    // Killed.
  }
  await broker.close()
  return told
}

describe('transactions, wherever the broker is killed', () => {
  it('are whole or not there at all, and what was told is so (P1)', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 5, max: 260 }), { minLength: 1, maxLength: 3 }), fc.boolean(), async (kills, power) => {
        const disk = new MemoryDisk()
        const all: Told = { committed: [], aborted: [] }
        for (const [life, changes] of kills.entries()) {
          const told = await work(new FailingDisk(disk, changes), life * 100)
          if (power) disk.cutPower()
          all.committed.push(...told.committed)
          all.aborted.push(...told.aborted)
        }
        const broker = await start(disk)
        using client = await connectTo(broker.address)
        // Whoever comes next ends what was left open.
        await new TransactionalClient(client, 'x').begin(['t', 'u'])
        const [t, u] = [await readCommitted(client, 't'), await readCommitted(client, 'u')]
        expect(t.values).toEqual(u.values)
        expect(new Set(t.values).size).toBe(t.values.length)
        expect(t.values).toEqual(expect.arrayContaining(all.committed.map(String)))
        expect(t.values.filter((value) => all.aborted.includes(Number(value)))).toEqual([])
        expect([t.lastStable, u.lastStable]).toEqual([t.high, u.high])
        expect(await stableOffset(client, 'g', 't')).toBe(BigInt(t.values.at(-1) ?? -1))
        await broker.close()
      }),
      { numRuns: 40 },
    )
  })
})
