import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBatch } from '../../kafka-wire/index.ts'
import { createLogger } from '../../platform/index.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { testBatch } from '../testing/open-test-log.ts'
import { takeTurns } from '../testing/simulation/life.ts'
import { parseTopicConfig } from '../topics/topic-configs.ts'
import { LogDirectory } from './log-directory.ts'
import type { PartitionLog } from './partition-log.ts'
import { visibleBatches } from './visible-batches.ts'

const config = parseTopicConfig({ 'segment.bytes': '900', 'index.interval.bytes': '100', 'retention.bytes': '4000' }, () => null)

async function open(disk: MemoryDisk, clock: ManualClock, flush: 'sync' | 'os'): Promise<{ logs: LogDirectory; log: PartitionLog }> {
  const logs = new LogDirectory({ disk, clock, flush, leaderEpoch: 0, log: createLogger(() => {}) }, '/data')
  if (!disk.exists('/data/t-0')) logs.make('t', 0, '00112233-4455-6677-8899-aabbccddeeff')
  const { log } = await logs.open('t', 0, config)
  logs.writePoints()
  logs.start({ retentionIntervalMs: 5_000, producerExpirationMs: 1e9, compactionIntervalMs: null })
  return { logs, log }
}

/** The values readers find, by offset. */
function valuesOf(log: PartitionLog): Map<number, string> {
  const values = new Map<number, string>()
  for (const { bytes, at, header } of visibleBatches(log)) {
    const decoded = decodeBatch(bytes, at, header)
    for (const { offset, value } of decoded.ok ? decoded.records : []) values.set(Number(offset), Buffer.from(value ?? []).toString())
  }
  return values
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ is: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('pass' as const), ms: fc.constantFrom(1_000, 60_000) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('settle' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant('cut' as const), share: fc.double({ min: 0, max: 1, noNaN: true }), zeros: fc.boolean() }),
  },
)

it.each(['sync', 'os'] as const)('after any power cut a log with flush %s opens, and holds what it held up to some end', async (flush) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      let disk = new MemoryDisk()
      const clock = new ManualClock()
      let { logs, log } = await open(disk, clock, flush)
      let written = new Map<number, string>()
      for (const [i, each] of [...steps, { is: 'cut' as const, share: 0.5, zeros: true }].entries()) {
        if (each.is === 'append') {
          const value = `${i}-`
          const appended = log.append(testBatch(each.count, { value }))
          if (appended.ok) for (let k = 0; k < each.count; k++) written.set(appended.baseOffset + k, value + String(k))
        } else if (each.is === 'pass') clock.advance(each.ms)
        else if (each.is === 'settle') await takeTurns()
        else {
          const visible = log.highWatermark
          const lost = disk.copy()
          lost.tear((unsynced) => {
            const kept = Buffer.from(unsynced.subarray(0, Math.floor(unsynced.length * each.share)))
            return each.zeros ? Buffer.concat([kept, Buffer.alloc(unsynced.length - kept.length)]) : kept
          })
          await logs.close()
          ;({ logs, log } = await open((disk = lost), clock, flush))
          const found = valuesOf(log)
          for (const [offset, value] of found) expect(value).toBe(written.get(offset))
          expect([...found.keys()]).toEqual(Array.from(found, (_, k) => log.logStartOffset + k))
          // P1: what was synced is there; with `os` only what the operating system had written.
          if (flush === 'sync') expect(log.logEndOffset).toBeGreaterThanOrEqual(visible)
          written = found
        }
      }
      await logs.close()
    }),
    { numRuns: 150 },
  )
})
