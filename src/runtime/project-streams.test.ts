import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MillraceError, silentLogger } from '../platform/index.ts'
import type { Clients } from './clients.ts'
import { openChildRegister } from './children/orphans.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { notEmbedded, resolveEndpoints } from './endpoints.ts'
import { createProjectStreams, type ProjectStreams, type RunningStreams } from './project-streams.ts'
import { settingsOf } from '../settings/index.ts'

const patience = { timeout: 60_000, interval: 5 }
let folder: DataFolder
let streams: ProjectStreams
let running: RunningStreams
let asked = 0

let answer = new MillraceError('UNREACHABLE', 'Kafka is away.')

/** A Kafka that is away, and asked again and again. */
const awayClients: Clients = {
  kafka: () => {
    asked++
    return Promise.reject(answer)
  },
  cassandra: () => Promise.reject(new MillraceError('UNREACHABLE', 'Cassandra is away.')),
  kafkaWithToken: () => Promise.reject(new MillraceError('UNREACHABLE', 'Kafka is away.')),
  close: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

beforeEach(async () => {
  asked = 0
  answer = new MillraceError('UNREACHABLE', 'Kafka is away.')
  folder = openDataFolder(mkdtempSync(join(tmpdir(), 'millrace-project-streams-')))
  const settings = await settingsOf({})
  running = {
    settings,
    endpoints: resolveEndpoints(settings, notEmbedded),
    clients: awayClients,
    project: {
      name: 'shop',
      schemas: [],
      topics: [{ name: 'users', schema: 'User', key: ['id'], partitions: 1, configs: {} }],
      tables: [],
      streams: [],
      dags: [],
    },
    warnings: [],
    provisionError: null,
    refused: new Map(),
    missingTopics: [],
    administrator: [],
    streamStatuses: () => [],
  }
  const guard = { add: () => undefined, remove: () => undefined, close: () => undefined }
  streams = createProjectStreams({ running, folder, register: openChildRegister(folder.path, guard), log: silentLogger, dev: null })
})
afterEach(async () => {
  await streams.close(0)
  folder.release()
  rmSync(folder.path, { recursive: true, force: true })
})

test('a start that waits for systems is given up for a reload, and goes on waiting when nothing came of that', async () => {
  streams.start()
  await vi.waitFor(() => expect(asked).toBeGreaterThan(1), patience)
  await streams.settle()
  expect(running.provisionError).toMatchObject({ code: 'UNREACHABLE' })
  const before = asked
  streams.resume()
  await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 1), patience)
  // It goes on already.
  streams.resume()
  await streams.settle()
})

test.each([
  new MillraceError('AUTHENTICATION_FAILED', 'wrong password'),
  new MillraceError('KAFKA', 'may not read', { details: { errorName: 'TOPIC_AUTHORIZATION_FAILED' } }),
])('a start that is not let in waits until somebody mends the password, or the right, there: $message', async (refusal) => {
  answer = refusal
  streams.start()
  await vi.waitFor(() => expect(asked).toBeGreaterThan(1), patience)
  expect(running.provisionError).toBe(refusal)
})

test('what nobody has given up is not begun twice', async () => {
  streams.start()
  await vi.waitFor(() => expect(asked).toBe(1), patience)
  streams.resume()
  await streams.close(0)
  const last = asked
  streams.resume()
  await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toBe(last)
})

test('what is done while the streams are stopped is done one after another, and its failure is told to who asked alone', async () => {
  const done: string[] = []
  const slow = Promise.withResolvers<void>()
  const first = streams.whileStopped(async () => {
    await slow.promise
    done.push('first')
  })
  const failing = streams.whileStopped(() => Promise.reject(new Error('no')))
  const last = streams.whileStopped(() => Promise.resolve(done.push('last')))
  slow.resolve()
  await expect(failing).rejects.toThrow('no')
  await Promise.all([first, last])
  expect(done).toEqual(['first', 'last'])
})
