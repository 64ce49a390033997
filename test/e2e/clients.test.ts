import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiOf } from '../harness/ask.ts'
import { judgedBy, toolTitle } from '../harness/judges.ts'
import { eventually, runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { findTool, runTool } from '../harness/tools.ts'
import { idsInTable, idsInTopic } from '../harness/users.ts'

const kcat = findTool('kcat', 'MILLRACE_KCAT')
const cqlsh = findTool('cqlsh', 'MILLRACE_CQLSH')

let project: TestProject
let millrace: Started
let kafka = ''
let cassandra: string[] = []

beforeAll(async () => {
  project = createProject("every: '10ms', pages: 10")
  millrace = startMillrace(project)
  await millrace.until(/in table/)
  const status = await eventually(
    () => apiOf(project).status(),
    ({ flows: [flow] }) => (flow?.inTable ?? 0) >= 3,
  )
  kafka = status.parts.find((part) => part.name === 'kafka')?.address ?? ''
  cassandra = (status.parts.find((part) => part.name === 'cassandra')?.address ?? '').split(':')
  await eventually(
    () => apiOf(project).runs(),
    (runs) => runs[0]?.state === 'success',
  )
  await eventually(
    () => apiOf(project).status(),
    ({ flows: [flow] }) => flow?.lag === 0,
  )
})
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

describe.skipIf(kcat === null)('kcat', judgedBy(toolTitle('kcat', kcat, '-V')), () => {
  const command = kcat ?? ''

  test('lists the broker, the topic and its six partitions', () => {
    const { code, stdout } = runTool(command, ['-b', kafka, '-L'])
    expect(code).toBe(0)
    expect(stdout).toContain('1 brokers')
    expect(stdout).toContain('topic "users_created" with 6 partitions')
    expect(stdout).toMatch(/partition 5, leader \d+, replicas: \d+, isrs: \d+/)
  })

  test('reads the same records as the command line', () => {
    const { code, stdout } = runTool(command, ['-b', kafka, '-C', '-t', 'users_created', '-e', '-q', '-f', '%k\n'])
    expect(code).toBe(0)
    expect(stdout.trim().split('\n').toSorted()).toEqual(idsInTopic(project).toSorted())
  })

  test('produces a record that the stream refuses with its reason', async () => {
    const produced = runTool('sh', ['-c', `printf 'k:{"id":null}' | ${command} -b ${kafka} -P -t users_created -K:`])
    expect(produced.code).toBe(0)
    const letters = await eventually(
      () => runJson<{ key: string; message: string }[]>(project, ['dlq', 'list']),
      (all) => all.length > 0,
    )
    expect(letters[0]).toMatchObject({ key: 'k', message: expect.stringContaining('id') })
  })
})

describe.skipIf(cqlsh === null)('cqlsh', judgedBy(toolTitle('cqlsh', cqlsh, '--version')), () => {
  const ask = (cql: string): { code: number | null; stdout: string; stderr: string } => runTool(cqlsh ?? '', [...cassandra, '-e', cql])

  test('reads the table', () => {
    const { code, stdout, stderr } = ask('select id, email from spark_streams.created_users limit 3')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/ id +\| email/)
    expect(stdout).toContain('(3 rows)')
  })

  test('counts what the command line counts, and describes the table', () => {
    expect(ask('select count(*) from spark_streams.created_users').stdout).toMatch(new RegExp(`\\b${idsInTable(project).length}\\b`))
    expect(ask('describe table spark_streams.created_users').stdout).toMatch(
      /CREATE TABLE spark_streams\.created_users \([\s\S]*id uuid PRIMARY KEY/,
    )
  })

  test('is told what does not exist, as by Cassandra', () => {
    const { code, stderr } = ask('select * from spark_streams.nothing')
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/InvalidRequest.*2200.*nothing/)
  })
})
