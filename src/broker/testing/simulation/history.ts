import { seededRandom } from '../../../../test/harness/seeded-random.ts'

/** Topic and partition that a history writes to. `log` is cut by retention, `kept` compacted. */
export interface Place {
  readonly topic: 'log' | 'kept'
  readonly partition: number
}

export const places: readonly Place[] = [
  { topic: 'log', partition: 0 },
  { topic: 'log', partition: 1 },
  { topic: 'kept', partition: 0 },
]
export const idempotentProducers = 2
/** The first speaks transactions of version 1, the others of version 2 (KIP-890). */
export const transactionalProducers = 3

/** What happens next. Places, producers and groups are numbers, shares are of what is there when it happens: all of it may be left out. */
export type Action =
  | { is: 'produce'; place: number; count: number; acks: -1 | 0 | 1 }
  /** Of an idempotent producer, behind what it has not heard of. */
  | { is: 'send'; producer: number; place: number; count: number }
  /** All that an idempotent producer has not heard of, in order. */
  | { is: 'resend'; producer: number; place: number }
  /** What was acknowledged comes in a second time. */
  | { is: 'repeat'; producer: number; place: number; back: number }
  | {
      is: 'transaction'
      producer: number
      writes: readonly { place: number; count: number }[]
      withOffset: boolean
      end: 'commit' | 'abort' | 'leave'
      /** What its producer does when the broker is gone: ask again for what it asked, or begin anew, fencing itself. */
      whenLost: 'retry' | 'give up'
    }
  | { is: 'commitOffset'; group: number }
  | { is: 'read'; place: number; from: number; maxBytes: number; committed: boolean }
  | { is: 'deleteRecords'; place: number; share: number }
  | { is: 'pass'; ms: number }
  | { is: 'holdSyncs' }
  | { is: 'settle' }
  | { is: 'fillDisk'; roomBytes: number }
  | { is: 'restart' }
  /** After so many more changes of the disk; with the power gone, what was not synced is lost or torn as `tear` says. */
  | { is: 'kill'; afterChanges: number; power: boolean; tear: number }

type Weighted = readonly [weight: number, make: () => Action]

/** The same seed gives the same history, always. */
export function historyOf(seed: number, length = 60): Action[] {
  const random = seededRandom(seed)
  const below = (end: number): number => Math.floor(random() * end)
  const chance = (share: number): boolean => random() < share
  const place = (): number => below(places.length)
  const write = (): { place: number; count: number } => ({ place: place(), count: 1 + below(4) })
  const choices: readonly Weighted[] = [
    [10, () => ({ is: 'produce', ...write(), acks: chance(0.7) ? -1 : chance(0.7) ? 1 : 0 })],
    [14, () => ({ is: 'send', producer: below(idempotentProducers), ...write() })],
    [6, () => ({ is: 'resend', producer: below(idempotentProducers), place: place() })],
    [3, () => ({ is: 'repeat', producer: below(idempotentProducers), place: place(), back: below(5) })],
    [
      18,
      () => ({
        is: 'transaction',
        producer: below(transactionalProducers),
        writes: Array.from({ length: 1 + below(3) }, write),
        withOffset: chance(0.5),
        end: chance(0.65) ? 'commit' : chance(0.7) ? 'abort' : 'leave',
        whenLost: chance(0.5) ? 'retry' : 'give up',
      }),
    ],
    [5, () => ({ is: 'commitOffset', group: below(2) })],
    [12, () => ({ is: 'read', place: place(), from: random(), maxBytes: chance(0.5) ? 1 << 20 : 1 + below(600), committed: chance(0.5) })],
    [2, () => ({ is: 'deleteRecords', place: below(2), share: random() })],
    [8, () => ({ is: 'pass', ms: chance(0.3) ? 9_000 + below(12_000) : below(4_000) })],
    [6, () => ({ is: 'holdSyncs' })],
    [7, () => ({ is: 'settle' })],
    [1, () => ({ is: 'fillDisk', roomBytes: below(1_500) })],
    [2, () => ({ is: 'restart' })],
    [5, () => ({ is: 'kill', afterChanges: chance(0.5) ? 0 : 1 + below(40), power: chance(0.6), tear: below(1 << 30) })],
  ]
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  const one = (): Action => {
    let at = random() * total
    for (const [weight, make] of choices) if ((at -= weight) < 0) return make()
    return { is: 'settle' }
  }
  return Array.from({ length }, one)
}

/** A shorter history that still fails: as much of it as can be is left out. */
export async function shrink(history: readonly Action[], fails: (history: readonly Action[]) => Promise<boolean>): Promise<Action[]> {
  let shortest = [...history]
  for (let size = Math.ceil(history.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    for (let at = 0; at < shortest.length;) {
      const without = shortest.toSpliced(at, size)
      if (await fails(without)) shortest = without
      else at += size
    }
  }
  return shortest
}
