import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../../src/broker/index.ts'
import { parseHostPort } from '../../src/platform/index.ts'
import { startSchemaRegistry } from '../../src/testing/index.ts'
import { startTableStore } from './table-store.ts'

/** What a service speaks to: ours, or real ones. */
export interface ClientSystems extends AsyncDisposable {
  readonly kafka: string
  readonly registry: string
  readonly cassandra: string
  /** Kafka goes away, and nothing of what it acknowledged is lost. */
  stopKafka(): Promise<void>
  restartKafka(): Promise<void>
}

export async function startEmbeddedSystems(): Promise<ClientSystems> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-client-'))
  const start = (port: number): ReturnType<typeof startBroker> => startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port }] })
  let broker = await start(0)
  const kafka = broker.address
  const registry = await startSchemaRegistry({ kafka: { bootstrapServers: kafka } })
  const store = await startTableStore()
  return {
    kafka,
    registry: registry.url,
    cassandra: store.address,
    stopKafka: () => broker.close(),
    restartKafka: async () => {
      broker = await start(parseHostPort(kafka, 0).port)
    },
    [Symbol.asyncDispose]: async () => {
      await registry.close()
      await store[Symbol.asyncDispose]()
      await broker.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
