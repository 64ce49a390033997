import { defineConfig } from 'vitest/config'

const report = process.env.MILLRACE_BROWSER_REPORT

/** Suites that press the console's buttons in a Chromium of this machine. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 240_000,
    setupFiles: ['test/harness/patience.ts'],
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default', ...(report ? [['json', { outputFile: report }] as ['json', { outputFile: string }]] : [])],
  },
})
