import { afterAll, beforeAll, describe } from 'vitest'
import { testUrlVariable } from '../../src/scheduler/store-rig.ts'
import { engines, type PostgresEngine } from '../../tools/engines/index.ts'
import { describeOn } from './available.ts'

/** The scheduler's own suites, which `npm test` runs on SQLite: the same files. */
describeOn(['postgres15'], 'the scheduler on PostgreSQL', () => {
  let postgres: PostgresEngine
  beforeAll(async () => {
    postgres = await engines.postgres15()
    process.env[testUrlVariable] = postgres.url
  }, 600_000)
  afterAll(async () => {
    delete process.env[testUrlVariable]
    await postgres[Symbol.asyncDispose]()
  })

  describe('runs', async () => void (await import('../../src/scheduler/scheduler.test.ts')))
  describe('attempts', async () => void (await import('../../src/scheduler/attempts.test.ts')))
  describe('definitions', async () => void (await import('../../src/scheduler/register.test.ts')))
  describe('schedules', async () => void (await import('../../src/scheduler/schedules.test.ts')))
  describe('restarts', async () => void (await import('../../src/scheduler/restart.test.ts')))
})
