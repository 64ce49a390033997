/** What the suites need of a test runner: vitest, `node:test` with `node:assert/strict`, or any other. */
export interface TestApi {
  test: (name: string, body: () => Promise<void>) => unknown
  assert: {
    /** By value, all the way down. */
    deepEqual: (actual: unknown, expected: unknown) => void
  }
}
