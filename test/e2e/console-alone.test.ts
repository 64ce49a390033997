import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startConsoleAlone, type Clusters } from '../harness/console-alone.ts'
import { judgeConsoleAlone } from '../harness/console-alone-suite.ts'
import { runAlone } from '../harness/millrace.ts'
import { addressIn, serveClusters, ServedParts } from '../harness/served.ts'
import { findTool } from '../harness/tools.ts'

const tools = [findTool('kcat', 'MILLRACE_KCAT'), findTool('cqlsh', 'MILLRACE_CQLSH')]

describe.skipIf(tools.includes(null))('millrace console alone, on embedded clusters', () => {
  const parts = new ServedParts({})
  let clusters: Clusters

  beforeAll(async () => {
    clusters = await serveClusters(parts)
  }, 240_000)
  afterAll(() => parts[Symbol.asyncDispose]())

  judgeConsoleAlone(() => clusters)
})

describe('millrace console', () => {
  test('needs a cluster, and says how to name one', () => {
    const { code, stderr } = runAlone(['console', '--port', '0'])
    expect([code, stderr]).toEqual([64, expect.stringContaining('--kafka host:port')])
  })

  test.each([
    ['--port', '70000'],
    ['--base-path', 'mill'],
    ['--base-path', '/a/../b'],
  ])('refuses %s %s', (option, value) => {
    const { code, stderr } = runAlone(['console', '--kafka', '127.0.0.1:1', option, value])
    expect([code, stderr]).toEqual([64, expect.stringContaining(`${option} ${value}: `)])
  })

  test('starts while its clusters are away, and says so; pages of those it was not given say that', { timeout: 240_000 }, async () => {
    await using alone = await startConsoleAlone(['--kafka', '127.0.0.1:1'])
    const { parts } = await alone.get<{ parts: unknown[] }>('/status')
    expect(parts).toMatchObject([{ name: 'kafka', state: 'failed', address: '127.0.0.1:1' }])
    expect(await alone.send('GET', '/topics', undefined)).toMatchObject({ status: 502 })
    expect(await alone.send('GET', '/tables', undefined)).toMatchObject({
      status: 404,
      answer: { detail: expect.stringContaining('--cassandra host:port') },
    })
    // The console is ready to say it.
    expect((await fetch(`${alone.address}/readyz`)).status).toBe(200)
  })

  test('signs in to a Kafka by what the environment says, and prints and keeps none of it (P8)', { timeout: 240_000 }, async () => {
    await using parts = new ServedParts({ users: 'shop:hush-hush-42\n' })
    const listen = ['--users', 'file:users', '--listen', 'SASL_PLAINTEXT://127.0.0.1:0']
    const kafka = addressIn(await parts.serve(['broker', ...listen], {}))
    const env = {
      MILLRACE_KAFKA_SASL_MECHANISM: 'PLAIN',
      MILLRACE_KAFKA_SASL_USERNAME: 'shop',
      MILLRACE_KAFKA_SASL_PASSWORD: 'hush-hush-42',
    }
    await using alone = await startConsoleAlone(['--kafka', kafka], env)
    expect(await alone.send('GET', '/topics', undefined)).toMatchObject({ status: 200 })
    const logged = readFileSync(join(alone.dataDir, 'logs', 'millrace.log'), 'utf8')
    expect(alone.output() + logged).not.toContain('hush')
  })
})
