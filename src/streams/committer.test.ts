import { expect, test } from 'vitest'
import { MillraceError, systemClock, type Clock } from '../platform/index.ts'
import { Committer } from './committer.ts'
import { PartitionProgress } from './partition-progress.ts'
import { batchOf, stored } from './testing/batches.ts'

const away = new MillraceError('UNREACHABLE', 'nobody answers')
const lost = new MillraceError('KAFKA', 'the group went on', { details: { errorName: 'UNKNOWN_MEMBER_ID' } })
const INTERVAL_MS = 100

/** Every wait is over at once, and remembered. */
function impatientClock(): { clock: Clock; waitsMs: number[] } {
  const waitsMs: number[] = []
  const after = (ms: number, callback: () => void): (() => void) => {
    // The time after which a call is said to be slow: it never comes.
    if (ms === 3_000) return () => undefined
    waitsMs.push(ms)
    const immediate = setImmediate(callback)
    return () => clearImmediate(immediate)
  }
  return { clock: { ...systemClock, after }, waitsMs }
}

/** Commits one batch against these answers; resolves when `until` of them were given. */
async function commitAgainst(answers: readonly (MillraceError | null)[]): Promise<number[]> {
  const { clock, waitsMs } = impatientClock()
  const progress = new PartitionProgress({ topic: 't', partition: 0, committed: null, position: 0n }, 0, new AbortController().signal)
  progress.settle(batchOf([stored({ key: 'k', value: {}, timestampMs: 1 })]), 1)
  const ended = Promise.withResolvers<void>()
  let asked = 0
  const committer = new Committer({
    commit: () => {
      const answer = answers[asked++]
      return answer ? Promise.reject(answer) : Promise.resolve()
    },
    partitions: () => [progress],
    topologyDigest: 'd',
    intervalMs: INTERVAL_MS,
    clock,
    onCommitted: () => ended.resolve(),
    onRetry: () => undefined,
    // The stream joins again and settles what it reads.
    onFenced: () => committer.schedule(),
    onFailed: (error) => ended.reject(error),
  })
  committer.schedule()
  await ended.promise
  committer.close()
  return waitsMs
}

test('a coordinator that is away is asked less and less often, but at least every 2 s', async () => {
  const waitsMs = await commitAgainst([...Array.from({ length: 12 }, () => away), null])
  expect(waitsMs).toHaveLength(13)
  expect(waitsMs[3]).toBeGreaterThan(2 * INTERVAL_MS)
  expect(Math.max(...waitsMs)).toBeLessThanOrEqual(2_000)
})

test('a member that was lost while the coordinator was away commits at the usual pace once it is back', async () => {
  const waitsMs = await commitAgainst([...Array.from({ length: 12 }, () => away), lost, null])
  expect(waitsMs.at(-1)).toBe(INTERVAL_MS)
})
