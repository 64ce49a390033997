import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apis, metadata } from '../kafka-wire/index.ts'
import { arbitraryBody } from '../../test/harness/arbitrary-body.ts'
import { createLogger } from '../platform/index.ts'
import { startBroker, type BrokerHandle } from './index.ts'
import { handlers } from './requests/index.ts'
import { connectTo, type Asking } from './testing/ask.ts'

/** Of each request in each version: so many bodies of its own form, and so many damaged ones. */
const runs = 4
let dataDir = ''
let broker: BrokerHandle
let witness: Asking
const failures: string[] = []

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  // A handler that throws is told as an error; bytes that are no request are not.
  const log = createLogger((line) => void (JSON.parse(line).level === 'error' && failures.push(line)))
  const config = { 'num.partitions': '1', 'group.max.size': '5' }
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], log, config })
  witness = await connectTo(broker.address)
})
afterAll(async () => {
  witness[Symbol.dispose]()
  await broker.close()
  rmSync(dataDir, { recursive: true, force: true })
})

function framed(apiKey: number, apiVersion: number, body: Uint8Array): Buffer {
  const flexible = apis.get(apiKey)?.request.flexibleFrom ?? null
  const tags = flexible !== null && apiVersion >= flexible ? [0] : []
  const head = Buffer.from([0, 0, 0, 0, apiKey >> 8, apiKey & 255, 0, apiVersion, 0, 0, 0, 1, 255, 255, ...tags])
  head.writeInt32BE(head.length - 4 + body.length, 0)
  return Buffer.concat([head, body])
}

/** Sends bytes on a connection of their own; resolves once the broker has had them and says no more, or closed it. */
async function send(frames: readonly Buffer[]): Promise<void> {
  const socket = connect(broker.listeners[0]?.port ?? 0, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.end(Buffer.concat(frames), resolve))
  // Answered on another connection: it has looked at what came before.
  await witness.ask(metadata, 9, { topics: [], allowAutoTopicCreation: false })
  socket.destroy()
}

const everyVersion = [...handlers.values()].flatMap(({ key, name, advertised: [min, max] }) =>
  Array.from({ length: max - min + 1 }, (_, i) => ({ key, name, version: min + i })),
)

describe.each([...Map.groupBy(everyVersion, ({ name }) => name)])('%s, of every form and damaged', (_, versions) => {
  it('ends no more than its own connection', async () => {
    for (const { key, version } of versions) {
      const request = apis.get(key)?.request
      if (!request || version < request.versions[0]) continue
      const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(arbitraryBody(request.fields, version), damages, fc.uint8Array({ maxLength: 60 }), async (body, spots, random) => {
          const sound = request.encode(version, body)
          const damaged = Buffer.from(sound)
          for (const [at, value] of spots) if (damaged.length > 0) damaged[at % damaged.length] = value
          await Promise.all([sound, damaged, random].map((bytes) => send([framed(key, version, bytes)])))
        }),
        { numRuns: runs },
      )
    }
    expect(failures.splice(0)).toEqual([])
  })
})

it('holds no more than it did before all this', () => {
  const { rss } = process.memoryUsage()
  expect(rss).toBeLessThan(600 << 20)
})
