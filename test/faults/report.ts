import type { FaultRun } from './run.ts'

const columns: readonly { title: string; of: (run: FaultRun) => string }[] = [
  { title: 'system', of: ({ system }) => system },
  { title: 'scenario', of: ({ scenario }) => scenario },
  { title: 'seed', of: ({ seed }) => String(seed) },
  { title: 'records in', of: ({ recordsIn }) => String(recordsIn) },
  { title: 'rows out', of: ({ rowsOut }) => String(rowsOut) },
  { title: 'lost', of: ({ lost }) => String(lost) },
  { title: 'doubled', of: ({ doubledInTopic }) => String(doubledInTopic) },
  { title: 'dead letters (doubled)', of: ({ deadLetters, doubledDeadLetters }) => `${deadLetters} (${doubledDeadLetters})` },
  { title: 'resumed after s', of: ({ resumedAfterS }) => (resumedAfterS === null ? 'done before' : resumedAfterS.toFixed(1)) },
  { title: 'run s', of: ({ seconds }) => seconds.toFixed(0) },
  { title: 'memory MB until, after', of: ({ memoryMb: { before, after } }) => `${before.toFixed(0)}, ${after.toFixed(0)}` },
  { title: 'result', of: resultOf },
]

export function resultOf({ failure, lost, examples }: FaultRun): string {
  if (failure !== null) return failure
  return lost === 0 ? 'ok' : examples.join('; ')
}

/** `title value` pairs in one line. */
export function lineOf(run: FaultRun): string {
  return columns.map(({ title, of }) => (title === 'system' ? of(run) : `${title} ${of(run)}`)).join(' · ')
}

/** A Markdown table. */
export function tableOf(runs: readonly FaultRun[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    row(columns.map(({ title }) => title)),
    row(columns.map(() => '---')),
    ...runs.map((run) => row(columns.map(({ of }) => of(run)))),
  ].join('\n')
}
