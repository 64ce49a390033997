import { hasRun, type SuiteFacts } from './facts.ts'

const head = `# What Millrace is tried on

\`npm run test:engines\` makes this page of its own results, and CI fails when they differ from it. Each row is a suite of tests and what judges it,
in the version that was run; a suite on two systems stands under both. Where the embedded parts differ from the real ones on purpose is listed,
with reasons, in \`test/engines/differences.ts\`.
`

/** Markdown, as docs/compatibility.md is but for the width of its columns. `systems`: titles of those that are started; other judges are clients. */
export function compatibilityPage(suites: readonly SuiteFacts[], systems: ReadonlySet<string>): string {
  const judges = [...new Set(suites.flatMap((suite) => suite.judges))].toSorted()
  const rowsOf = (chosen: readonly string[]): string[] =>
    chosen.flatMap((judge) =>
      suites.filter((suite) => suite.judges.includes(judge)).map((suite) => row(judge, suite.suite, resultOf(suite))),
    )
  return [
    head,
    '## Systems',
    '',
    ...table('System and version', rowsOf(judges.filter((judge) => systems.has(judge)))),
    '',
    '## Clients that others wrote, on the embedded parts',
    '',
    ...table('Client and version', rowsOf(judges.filter((judge) => !systems.has(judge)))),
    '',
  ].join('\n')
}

const row = (...cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

function table(first: string, rows: readonly string[]): string[] {
  return [row(first, 'What was run', 'Result'), row('---', '---', '---'), ...rows]
}

function resultOf(suite: SuiteFacts): string {
  const { passed, failed, leftOut, onlyWith } = suite
  const asked = onlyWith === undefined ? '' : ` (only with \`${onlyWith}\`)`
  if (!hasRun(suite)) return `left out${asked}`
  const counts = [
    [passed, 'passed'],
    [failed, 'failed'],
    [leftOut, 'left out'],
  ] as const
  return `${counts.flatMap(([count, word]) => (count > 0 ? [`${count} ${word}`] : [])).join(', ')}${asked}`
}
