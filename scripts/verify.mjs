// One command for a person: format, lint, types, drawing, dead code, then all tests. Stops at the first that fails.
import { spawnSync } from 'node:child_process'

/** @type {[name: string, command: string, args: string[]][]} */
const steps = [
  ['format', 'prettier', ['--check', '--log-level', 'warn', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['types', 'tsc', ['-p', '.']],
  ['types of the console', 'tsc', ['-p', 'console']],
  ['drawing', 'vitest', ['run', 'test/drawing.test.ts', 'test/tidy.test.ts']],
  ['dead code', 'knip', []],
  ['tests', 'node', ['scripts/test.mjs']],
  ['browser', 'node', ['scripts/test.mjs', '--config', 'vitest.browser.config.ts']],
]

for (const [name, command, args] of steps) {
  const startedMs = performance.now()
  console.log(`── ${name}`)
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) console.error(error.message)
  if (status !== 0) {
    console.error(`verify: ${name} failed`)
    process.exit(status ?? 1)
  }
  console.log(`   ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
}
