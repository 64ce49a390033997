import type { Socket } from 'node:net'
import { beforeEach, expect, it } from 'vitest'
import { encodeBatch, fetch, findCoordinator, initProducerId, listOffsets, produce } from '../kafka-wire/index.ts'
import { type Clock, systemClock } from '../platform/index.ts'
import { Cluster } from './cluster.ts'
import { resolveConnectOptions } from './options.ts'
import { createProducer } from './producer.ts'
import { createReader } from './reader.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

const TIMES_FASTER = 20
/** Much less than the 30 s that a call may be retried for. */
const LONGEST_MS = 15_000

/** Runs faster than time, and remembers the longest that was waited for an answer: how long the test itself takes says nothing on a busy machine. */
class FastClock implements Clock {
  longestMs = 0
  nowMs = (): number => systemClock.nowMs()
  monotonicMs = (): number => systemClock.monotonicMs() * TIMES_FASTER
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => systemClock.sleep(ms / TIMES_FASTER, signal)
  after = (ms: number, callback: () => void): (() => void) =>
    systemClock.after(ms / TIMES_FASTER, () => {
      this.longestMs = Math.max(this.longestMs, ms)
      callback()
    })
}

let clock: FastClock
beforeEach(() => {
  clock = new FastClock()
})

/** A connection that has been silent once stays so, as one whose route is gone: only another one is answered. */
function answersOnOthersThan<T>(answer: () => T): (request: unknown, socket: Socket) => T | undefined {
  let silent: Socket | null = null
  return (_request, socket) => {
    silent ??= socket
    return silent === socket ? undefined : answer()
  }
}

function clusterOf(address: string): Cluster {
  return new Cluster(resolveConnectOptions({ bootstrapServers: [address], clientId: 'test' }), clock)
}

it('a connection that went silent under a fetch is given up, and another one opened, well before calls are', async () => {
  const record = { key: null, value: Buffer.from('v'), timestampMs: 1 }
  const records = encodeBatch({ records: [record], compression: 'none' })
  const fetched = answersOnOthersThan(() => ({
    responses: [{ topic: 't', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1n, abortedTransactions: null, records }] }],
  }))
  await using broker = await startScriptedBroker((port) => [
    onMetadata(port, { t: 1 }),
    on(listOffsets, () => ({ topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, offset: 0n }] }] })),
    on(fetch, fetched),
  ])
  const cluster = clusterOf(broker.address)
  const reader = createReader(cluster, { topic: 't', from: 'earliest' }, () => undefined)
  while ((await reader.poll()).length === 0);
  expect(clock.longestMs).toBeGreaterThan(0)
  expect(clock.longestMs).toBeLessThan(LONGEST_MS)
  await reader.close()
  await cluster.close()
})

/** Sends one record to a broker whose first connection goes silent under it; resolves when another one has taken it. */
async function produceOverSilence(value: string | Buffer): Promise<void> {
  const written = answersOnOthersThan(() => ({
    responses: [{ name: 't', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0n }] }],
  }))
  await using broker = await startScriptedBroker((port) => [
    onMetadata(port, { t: 1 }),
    on(initProducerId, () => ({ errorCode: 0, producerId: 1n, producerEpoch: 0 })),
    on(produce, written),
  ])
  const cluster = clusterOf(broker.address)
  const producer = createProducer(cluster, {}, () => undefined)
  expect(await producer.send([{ topic: 't', key: 'k', value }])).toHaveLength(1)
  await producer.close()
  await cluster.close()
}

it('a connection that went silent under a produce is given up, and the batch sent on another one', async () => {
  await produceOverSilence('v')
  expect(clock.longestMs).toBeGreaterThan(0)
  expect(clock.longestMs).toBeLessThan(LONGEST_MS)
})

it('a large produce has the time that a slow line takes for it', async () => {
  await produceOverSilence(Buffer.alloc(500_000, 'v'))
  expect(clock.longestMs).toBeGreaterThan(20_000)
  expect(clock.longestMs).toBeLessThanOrEqual(30_000)
})

it('a connection that went silent under the search for a coordinator is given up, and another one asked', async () => {
  const found = answersOnOthersThan(() => ({
    coordinators: [{ key: 'g', nodeId: 1, host: '127.0.0.1', port: 1, errorCode: 0, errorMessage: null }],
  }))
  await using broker = await startScriptedBroker((port) => [onMetadata(port, { t: 1 }), on(findCoordinator, found)])
  const cluster = clusterOf(broker.address)
  await cluster.refresh([])
  await cluster.retrying(() => cluster.toCoordinator('g', 'test'))
  expect(clock.longestMs).toBeGreaterThan(0)
  expect(clock.longestMs).toBeLessThan(LONGEST_MS)
  await cluster.close()
})
