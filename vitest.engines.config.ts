import { defineConfig } from 'vitest/config'
import { CompatibilityReporter } from './tools/compatibility/reporter.ts'

/** Of `npm test` those that other people's clients judge: their results stand in docs/compatibility.md too. */
const judgedByClients = ['test/e2e/clients.test.ts', 'src/broker/broker.test.ts', 'src/cql-store/driver.test.ts']
const report = process.env.MILLRACE_TEST_REPORT

/** Suites whose judge is a real system, or somebody else's client; `.ci/run` brings what they need. */
export default defineConfig({
  test: {
    include: ['test/engines/**/*.test.ts', ...judgedByClients],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 300_000,
    setupFiles: ['test/harness/patience.ts'],
    expect: { poll: { timeout: 60_000 } },
    reporters: [
      'default',
      ...(report ? [['json', { outputFile: report }] as ['json', { outputFile: string }]] : []),
      new CompatibilityReporter(),
    ],
  },
})
