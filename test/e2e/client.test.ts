import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runJson, startMillrace, type Started } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

let project: TestProject
let millrace: Started

beforeAll(async () => {
  project = createProject("every: '20ms', pages: 3")
  // Beyond loopback every part asks for credentials, which the service is told with the addresses.
  millrace = startMillrace(project, { env: { MILLRACE_HOST: '0.0.0.0' } })
  await millrace.until(/[1-9]\d* in table/, 90_000)
  expect(existsSync(join(project.dataDir, 'credentials.json'))).toBe(true)
}, 240_000)
afterAll(async () => {
  await millrace[Symbol.asyncDispose]()
  project.remove()
})

/** A service of its own in the project's folder, with nothing said of addresses. */
async function runService(code: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const path = join(project.dir, 'service.ts')
  writeFileSync(path, code)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_')))
  const child = spawn(process.execPath, ['--conditions=millrace-source', path], { cwd: project.dir, env })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  const ended = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code: ended, ...said }
}

const id = '6f1f0a3c-2f0e-4a55-9b56-0a1b2c3d4e5f'

test('a service finds the Millrace that runs here: what it produces becomes a row, which it reads as it wrote it', async () => {
  const { code, stdout, stderr } = await runService(`
    import { connect } from 'millrace/client'
    import { createdUsers, usersCreated } from './users.pipeline.ts'

    const user = {
      id: '${id}', first_name: 'Ada', last_name: 'Lovelace', gender: 'female', address: '12 St James’s Square', post_code: 'SW1Y',
      email: 'ada@example.org', username: 'ada', dob: '1815-12-10T00:00:00.000Z', registered_date: '2026-01-01T00:00:00.000Z',
      phone: '1', picture: 'https://example.org/ada.png',
    }
    await using millrace = await connect()
    const { topic } = await millrace.produce(usersCreated, user)
    let row = null
    while (row === null) row = await millrace.get(createdUsers, { id: user.id })
    const mine = Promise.withResolvers()
    millrace.consume(usersCreated, { group: 'service' }, (seen) => seen.id === user.id && mine.resolve(seen))
    console.log(JSON.stringify({ topic, row, isSame: JSON.stringify(await mine.promise) === JSON.stringify(user), user }))
  `)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const told = JSON.parse(stdout)
  expect(told).toMatchObject({ topic: 'users_created', row: told.user, isSame: true })
  expect(runJson(project, ['query', `SELECT first_name FROM spark_streams.created_users WHERE id = ${id}`])).toMatchObject({
    rows: [{ first_name: 'Ada' }],
  })
})

test('a service that looks at no failure of its consumer ends with it', async () => {
  const { code, stderr } = await runService(`
    import { connect } from 'millrace/client'
    import { usersCreated } from './users.pipeline.ts'

    const millrace = await connect()
    millrace.consume(usersCreated, { group: 'careless', retries: 0 }, () => { throw new Error('no mail server') })
  `)
  expect(code).toBe(1)
  expect(stderr).toMatch(/Consumer group "careless" stopped at users_created\/\d offset \d+: the record failed: no mail server/)
})
