import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerHandle, startBroker } from '../broker/index.ts'
import { connectKafka } from './index.ts'

const password = 'correct horse'
let dataDir: string
let broker: BrokerHandle

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-client-'))
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0, credentials: { username: 'user', password } }] })
})
afterAll(async () => {
  await broker.close()
  rmSync(dataDir, { recursive: true })
})

describe('a listener that wants SASL PLAIN', () => {
  it('serves the user that gives the right password', async () => {
    await using kafka = await connectKafka({
      bootstrapServers: [broker.address],
      clientId: 'test',
      sasl: { mechanism: 'PLAIN', username: 'user', password },
    })
    expect((await kafka.admin.metadata()).brokers).toHaveLength(1)
  })

  it('refuses a wrong one, and the error does not repeat it (P8)', async () => {
    const sasl = { mechanism: 'PLAIN', username: 'user', password: 'wrong secret' } as const
    const failure: unknown = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test', sasl }).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'AUTHENTICATION_FAILED', retriable: false })
    expect(JSON.stringify(failure)).not.toContain('wrong secret')
  })

  it('refuses a client without credentials', async () => {
    const connecting = connectKafka({ bootstrapServers: [broker.address], clientId: 'test' })
    await expect(connecting).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('a user name and password') })
  })
})
