import { expect, it, vi } from 'vitest'
import { encodeBatch, errorCodes, fetch, listOffsets, patchBatch } from '../kafka-wire/index.ts'
import { Cluster } from './cluster.ts'
import { fetchPartition } from './fetch-partition.ts'
import { Fetcher } from './fetcher.ts'
import { resolveConnectOptions } from './options.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

const WITHIN = { timeout: 60_000 }
const START = 10n

function record(baseOffset: bigint): Uint8Array {
  const bytes = encodeBatch({ records: [{ key: null, value: Buffer.from('v'), timestampMs: 1 }], compression: 'none' })
  patchBatch(bytes, 0, { baseOffset, partitionLeaderEpoch: 0 })
  return bytes
}

/** Reads a partition from offset 0 whose log begins at `START`; while `isMoving`, nobody says so. */
async function reading() {
  const seen = { fetches: 0, lists: 0, isMoving: true }
  const broker = await startScriptedBroker((port) => [
    onMetadata(port, { t: 1 }),
    on(listOffsets, ({ topics }) => {
      seen.lists++
      const errorCode = seen.isMoving ? errorCodes.NOT_LEADER_OR_FOLLOWER : errorCodes.NONE
      return {
        topics: topics.map(({ name }) => ({ name, partitions: [{ partitionIndex: 0, errorCode, offset: seen.isMoving ? -1n : START }] })),
      }
    }),
    on(fetch, ({ topics }) => ({
      responses: topics.map(({ topic, partitions: [asked] }) => {
        seen.fetches++
        const offset = asked?.fetchOffset ?? 0n
        const isThere = offset >= START
        const errorCode = isThere ? errorCodes.NONE : errorCodes.OFFSET_OUT_OF_RANGE
        const records = offset === START ? record(START) : null
        return { topic, partitions: [{ partitionIndex: 0, errorCode, highWatermark: START + 1n, logStartOffset: -1n, abortedTransactions: null, records }] } // prettier-ignore
      }),
    })),
  ])
  const cluster = new Cluster(resolveConnectOptions({ bootstrapServers: [broker.address], clientId: 'test' }))
  await cluster.refresh(['t'])
  const fetcher = new Fetcher(cluster, { maxBytes: 1_000, maxWaitMs: 1, minBytes: 0, isolationLevel: 'read_uncommitted' })
  const state = fetchPartition({ topic: 't', partition: 0, topicId: '00000000-0000-0000-0000-000000000000', position: 0n, positionEpoch: -1 }) // prettier-ignore
  fetcher.add([state])
  return {
    seen,
    fetcher,
    state,
    [Symbol.asyncDispose]: async () => {
      fetcher.close()
      await cluster.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}

it('an offset that retention has passed is told with the first one there is, and not fetched again and again until that is known', async () => {
  await using world = await reading()
  const { seen, fetcher, state } = world
  await vi.waitFor(() => expect(seen.lists).toBeGreaterThan(3), WITHIN)
  expect(seen.fetches).toBe(1)
  seen.isMoving = false
  await vi.waitFor(() => expect(state.failure).not.toBeNull(), WITHIN)
  expect(() => fetcher.take()).toThrow(
    expect.objectContaining({ code: 'OFFSET_OUT_OF_RANGE', details: { topic: 't', partition: 0, offset: '0', logStartOffset: '10' } }),
  )
})

it('a partition that was set to another offset meanwhile is read from there', async () => {
  await using world = await reading()
  const { seen, fetcher, state } = world
  await vi.waitFor(() => expect(seen.lists).toBeGreaterThan(0), WITHIN)
  fetcher.seek(state, START)
  await vi.waitFor(() => expect(fetcher.take()).toHaveLength(1), WITHIN)
  const before = seen.lists
  seen.isMoving = false
  // The answer that nobody waits for any more.
  await vi.waitFor(() => expect(seen.lists).toBeGreaterThan(before), WITHIN)
  const fetches = seen.fetches
  await vi.waitFor(() => expect(seen.fetches).toBeGreaterThan(fetches + 5), WITHIN)
  expect(fetcher.take()).toEqual([])
})
