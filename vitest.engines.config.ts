import { defineConfig } from 'vitest/config'

/** Suites whose judge is a real system's own artifact; `.ci/run` brings what they need. */
export default defineConfig({
  test: { include: ['test/engines/**/*.test.ts'], pool: 'forks', maxWorkers: 1, testTimeout: 120_000 },
})
