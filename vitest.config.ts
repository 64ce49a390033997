import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Without 'import': these reach Node as --conditions, and a require() inside a CommonJS package (cassandra-driver) would get an ES module.
  ssr: { resolve: { conditions: ['millrace-source', 'node', 'module', 'default'] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/engines/**', 'test/browser/**', 'node_modules/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 240_000,
    setupFiles: ['test/harness/patience.ts'],
    expect: { poll: { timeout: 60_000 } },
  },
})
