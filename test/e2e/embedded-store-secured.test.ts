import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectCassandra, type CassandraConnectOptions, type CassandraSession } from '../../src/cql-client/index.ts'
import { makeAuthority, type Certificate } from '../../tools/engines/certificates.ts'
import { apiOf } from '../harness/ask.ts'
import { eventually, run, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'
import { countsOf } from '../harness/users.ts'

const password = 'st0re-s3cret'
const timeout = 240_000

let authority: string
let own: Certificate
let project: TestProject
let millrace: Started
let address: string

beforeAll(async () => {
  const made = await makeAuthority()
  authority = made.cert
  own = await made.issue({ name: 'client' })
  const served = await made.issue({ name: 'store' })
  project = createProject("every: '20ms', pages: 20")
  const files = { 'store.pem': served.cert, 'store-key.pem': served.key, 'ca.pem': authority, 'own.pem': own.cert, 'own-key.pem': own.key }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project.dir, name), text, { mode: 0o600 })
  const file = (name: string): string => join(project.dir, name)
  millrace = startMillrace(project, {
    env: {
      MILLRACE_CQL_USERNAME: 'ada',
      MILLRACE_CQL_PASSWORD: password,
      MILLRACE_CQL_TLS_CERT_FILE: file('store.pem'),
      MILLRACE_CQL_TLS_KEY_FILE: file('store-key.pem'),
      MILLRACE_CQL_TLS_CLIENT_CA_FILE: file('ca.pem'),
      MILLRACE_CASSANDRA_TLS_CA_FILE: file('ca.pem'),
      MILLRACE_CASSANDRA_TLS_CERT_FILE: file('own.pem'),
      MILLRACE_CASSANDRA_TLS_KEY_FILE: file('own-key.pem'),
    },
  })
  await millrace.until(/in table/, 200_000)
  const [found = ''] = (await apiOf(project).endpoints()).endpoints.cassandra.contactPoints
  address = found
}, timeout)
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

const connect = (more: Partial<CassandraConnectOptions>): Promise<CassandraSession> =>
  connectCassandra({ contactPoints: [address], localDataCenter: 'datacenter1', requestTimeoutMs: 60_000, ...more })

describe('a table store of millrace start with TLS, a password and certificates of clients', () => {
  test('is used by every child and the supervisor: the job runs to its end', { timeout }, async () => {
    await eventually(
      () => apiOf(project).status(),
      ({ flows: [flow] }) => isDeepStrictEqual([...countsOf(flow), flow?.lag], [20, 20, 20, 0, 0]),
      200_000,
    )
    const { stdout } = run(project, ['--json', 'query', 'SELECT count(*) FROM spark_streams.created_users'])
    expect(stdout).toContain('20')
  })

  test('lets in whoever has all of them, and nobody else', { timeout }, async () => {
    const credentials = { username: 'ada', password }
    const tls = { ca: authority, cert: own.cert, key: own.key }
    await using session = await connect({ credentials, tls })
    expect(await session.keyspaces()).toContain('spark_streams')
    await expect(connect({ credentials: { username: 'ada', password: 'guess' }, tls })).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
    await expect(connect({ credentials, tls: { ca: authority } })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(connect({ credentials })).rejects.toMatchObject({ code: 'UNREACHABLE' })
  })

  test('keeps its password out of what is printed and written (P8)', () => {
    expect(millrace.output()).not.toContain(password)
    const files = readdirSync(project.dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const holding = files.filter(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(password))
    expect(holding.map(({ name }) => name)).toEqual([])
  })
})
