import { connect, type Socket } from 'node:net'
import { connectKafka } from '../../src/kafka-client/index.ts'
import { apiVersions } from '../../tools/engines/systems/kafka.ts'
import type { Server } from './servers.ts'

/** Metadata v1 of no topics: size, api key 3, version 1, correlation id 0, no client id, no topics. */
const metadata = Uint8Array.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0])

/** Seconds from its start until the first Metadata is answered. */
export async function firstMetadata(server: Server): Promise<number> {
  const startedMs = performance.now()
  await server.begin()
  for (;;) {
    try {
      const socket = await asked(server, metadata)
      socket.destroy()
      return (performance.now() - startedMs) / 1000
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

export interface Held {
  /** Half of the topics in one request, half in one each. */
  readonly createSeconds: { readonly together: number; readonly single: number }
  /** Megabytes of RSS before, with the topics, with the connections too. */
  readonly megabytes: readonly number[]
  /** CPU seconds in a second in which nothing happens. */
  readonly idleCpu: number
}

/** Creates `topics` of three partitions, half of them in one request, then opens `connections` that have shaken hands and say nothing more. */
export async function hold(server: Server, topics: number, connections: number): Promise<Held> {
  const megabytes = [server.rssMegabytes().now]
  await using client = await connectKafka({ bootstrapServers: [server.bootstrapServers], clientId: 'bench', requestTimeoutMs: 120_000 })
  const names = (kind: string): { name: string; partitions: number }[] =>
    Array.from({ length: topics / 2 }, (_, i) => ({ name: `${kind}-${i}`, partitions: 3 }))
  const together = await seconds(() => client.admin.createTopics(names('together')))
  const single = await seconds(async () => {
    for (const topic of names('single')) await client.admin.createTopics([topic])
  })
  megabytes.push(server.rssMegabytes().now)
  const sockets = await Promise.all(Array.from({ length: connections }, () => asked(server, apiVersions)))
  megabytes.push(server.rssMegabytes().now)
  const cpuBefore = server.cpuSeconds()
  const idleMs = 3_000
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  const idleCpu = (server.cpuSeconds() - cpuBefore) / (idleMs / 1000)
  const lost = sockets.filter((socket) => socket.destroyed).length
  for (const socket of sockets) socket.destroy()
  if (lost > 0) throw new Error(`${server.name} let go of ${lost} connections`)
  return { createSeconds: { together, single }, megabytes, idleCpu }
}

async function seconds(action: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await action()
  return (performance.now() - startedMs) / 1000
}

/** A connection whose first request was answered. */
function asked({ bootstrapServers }: Server, request: Uint8Array): Promise<Socket> {
  const socket = connect(Number(bootstrapServers.split(':')[1]), '127.0.0.1')
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
    socket.once('data', () => resolve(socket))
    socket.write(request)
  })
}
