import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from '../../src/broker/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { run, runJson } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

let dataDir: string
let project: TestProject

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  project = createProject()
  await using broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  await using kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'log-test' })
  await kafka.admin.createTopics([{ name: 'users', partitions: 1 }])
  await using producer = kafka.producer({ compression: 'gzip' })
  for (const value of ['one', 'two', 'three']) await producer.send([{ topic: 'users', key: 'k', value }])
})
afterAll(() => {
  project?.remove()
  rmSync(dataDir, { recursive: true, force: true })
})

const say = (...args: string[]): { code: number | null; stdout: string; stderr: string } =>
  run(project, ['log', ...args, '--data-dir', dataDir])

test('a log is printed, checked, and repaired where it is damaged', { timeout: 240_000 }, async () => {
  const dumped = say('dump', 'users-0', '--records')
  expect(dumped.stdout).toMatch(/^0–0 · 1 record, \d+ bytes, gzip · \S+ · leader epoch \d+/)
  expect(dumped.stdout).toContain('  2  k  three\n')
  expect(runJson(project, ['log', 'check', 'users-0', '--data-dir', dataDir])).toMatchObject([
    { partition: 'users-0', records: 3, endOffset: 3, faults: [] },
  ])
  expect(say('check')).toMatchObject({ code: 0 })
  expect(say('dump', 'nothing-0')).toMatchObject({ code: 66, stderr: expect.stringContaining('users-0') })

  const folder = join(dataDir, 'users-0')
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.log')) ?? '')
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.subarray(0, bytes.length - 3))
  expect(say('check', 'users-0')).toMatchObject({ code: 1, stdout: expect.stringContaining('cut short') })
  expect(say('repair', 'users-0').stderr).toContain('lose what follows?')
  expect(say('repair', 'users-0', '--yes').stdout).toMatch(/^users-0 ends at offset 2 now; \d+ bytes of records were cut/)
  expect(say('repair', 'users-0', '--yes').stdout).toContain('is sound, nothing was changed')
  await using broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  expect(broker.recovered).toMatchObject({ records: 2, cutBytes: 0 })
})
