import type { ResetView, StreamStatus } from '../../core/index.ts'
import { MillraceError, systemClock } from '../../platform/index.ts'
import { counted, type Output } from '../output.ts'
import { createProgress } from '../progress.ts'
import type { ResetTarget } from '../reset-target.ts'

const everyMs = 500

/**
 * Shows how far a replay is until the stream has caught up to where it was, or to where `end` is (a plan of going there). Rows are not
 * counted: steps may drop records, so progress is by offsets, in proportion to the records between.
 * @throws what the stream stopped at
 */
export async function followReplay(target: ResetTarget, output: Output, done: ResetView, end: ResetView | null): Promise<void> {
  if (target.statuses === null) return
  const goals = goalsOf(done, end)
  const wide = goals.reduce((sum, { from, to }) => sum + Number(to - from), 0)
  const progress = createProgress('records read again', done.again)
  let shown = 0
  for (;;) {
    const failure = whyNot(await target.statuses(), done.stream)
    if (failure !== null) {
      progress.end()
      throw failure
    }
    const { partitions } = await target.streamOffsets(done.stream)
    const left = goals.reduce((sum, goal) => sum + leftOf(goal, partitions), 0)
    const replayed = wide === 0 ? done.again : Math.round(done.again * (1 - left / wide))
    progress.add(replayed - shown)
    shown = replayed
    if (left === 0) break
    await systemClock.sleep(everyMs)
  }
  progress.end()
  const upTo = end === null ? 'where it was' : end.to
  output.line(`${done.stream} has caught up to ${upTo}${end === null ? `: ${counted(done.again, 'record')} read again` : ''}`)
}

function whyNot(statuses: readonly StreamStatus[], name: string): MillraceError | null {
  const state = statuses.find(({ stream }) => stream === name)?.state
  if (state === undefined)
    return new MillraceError('NOT_RUNNING', `${name} is set, and replays as soon as it runs; why it does not, "millrace doctor" says.`)
  return state.is === 'stopped' && state.error !== null ? MillraceError.fromJSON(state.error) : null
}

interface Goal {
  partition: number
  from: bigint
  to: bigint
}

/** Where the stream is to come; `end` says it of partitions that go there, the others need not be waited for. */
function goalsOf(done: ResetView, end: ResetView | null): Goal[] {
  return done.partitions.flatMap(({ partition, from, to }) => {
    const was = from === null ? null : BigInt(from)
    const until = end?.partitions.find((each) => each.partition === partition)?.to
    const wanted = until === undefined ? was : was === null || BigInt(until) < was ? BigInt(until) : was
    const begin = BigInt(to)
    return wanted === null || wanted <= begin ? [] : [{ partition, from: begin, to: wanted }]
  })
}

function leftOf({ partition, from, to }: Goal, partitions: readonly { partition: number; committed: string | null }[]): number {
  const committed = partitions.find((each) => each.partition === partition)?.committed ?? null
  const at = committed === null ? from : BigInt(committed)
  return at >= to ? 0 : Number(to - (at > from ? at : from))
}
