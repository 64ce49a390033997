import { expect, it, vi } from 'vitest'
import { silentLogger, systemClock } from '../platform/index.ts'
import { Connections } from './connections.ts'
import { resolveConnectOptions } from './options.ts'
import { onMetadata, startScriptedBroker } from './scripted-broker.ts'

it('what was closed connects no more: a request that was still being tried again would leave a connection to nobody', async () => {
  await using broker = await startScriptedBroker((port) => [onMetadata(port, {})])
  const options = resolveConnectOptions({ bootstrapServers: [broker.address], clientId: 'test', log: silentLogger })
  const connections = new Connections(options, systemClock)
  try {
    const { host, port } = broker
    const producer = await connections.get('producer-1', { host, port })
    const other = await connections.get('producer-10', { host, port })
    connections.release('producer-1')
    await vi.waitFor(() => expect(producer.isOpen).toBe(false), { timeout: 60_000 })
    await expect(connections.get('producer-1', { host, port })).rejects.toMatchObject({ code: 'CLOSED', retriable: false })
    expect(other.isOpen).toBe(true)
    expect(await connections.get('producer-10', { host, port })).toBe(other)
  } finally {
    await connections.close()
  }
})
