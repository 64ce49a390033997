import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTopics, errorCodes, fetch, offsetCommit, produce } from '../kafka-wire/index.ts'
import { createLogger } from '../platform/index.ts'
import { startBroker, type BrokerHandle } from './index.ts'
import { connectTo, type Asking } from './testing/ask.ts'
import { testBatch } from './testing/open-test-log.ts'

/** A file system of 4 MB; null where this user may not mount one. */
function mountSmall(): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'broker-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir], { stdio: 'ignore' })
    return dir
  } catch {
    rmSync(dir, { recursive: true })
    return null
  }
}

const dir = mountSmall()

describe.skipIf(dir === null)('on a disk that is full', () => {
  const lines: string[] = []
  const ballast = join(dir ?? '', 'ballast')
  let broker: BrokerHandle
  let client: Asking

  beforeAll(async () => {
    writeFileSync(ballast, Buffer.alloc(2 << 20))
    const log = createLogger((line) => lines.push(line))
    broker = await startBroker({ dataDir: join(dir ?? '', 'kafka'), listeners: [{ host: '127.0.0.1', port: 0 }], log })
    client = await connectTo(broker.address)
    const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: 'segment.bytes', value: '300000' }] }
    await client.ask(createTopics, 7, { topics: [{ name: 't', ...topic }], timeoutMs: 5000 })
  })
  afterAll(async () => {
    client[Symbol.dispose]()
    await broker.close()
    execFileSync('umount', [dir ?? ''])
    rmSync(dir ?? '', { recursive: true })
  })

  const batch = testBatch(1000, { value: 'x'.repeat(90) })
  async function send(): Promise<{ errorCode: number; baseOffset: bigint }> {
    const topicData = [{ name: 't', partitionData: [{ index: 0, records: Uint8Array.from(batch) }] }]
    const answer = await client.ask(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData })
    const { errorCode = -1, baseOffset = -1n } = answer.responses[0]?.partitionResponses[0] ?? {}
    return { errorCode, baseOffset }
  }
  async function bytesRead(offset: bigint): Promise<number> {
    const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] }]
    const answer = await client.ask(fetch, 11, { maxWaitMs: 0, minBytes: 0, topics, forgottenTopicsData: [] })
    return answer.responses[0]?.partitions[0]?.records?.length ?? 0
  }

  it('tells producers to try again, goes on reading, and writes again by itself once there is room', async () => {
    let written = 0n
    let said = await send()
    for (; said.errorCode === errorCodes.NONE; said = await send()) written = said.baseOffset + 1000n
    expect(said.errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    expect(written).toBeGreaterThan(5_000n)
    expect(await bytesRead(0n)).toBeGreaterThan(100_000)
    const committed = {
      groupId: 'g',
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }] }],
    }
    // A small record may still fit.
    await client.ask(offsetCommit, 8, committed)
    const made = await client.ask(createTopics, 7, {
      topics: [{ name: 'more', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 5000,
    })
    expect([errorCodes.NONE, errorCodes.KAFKA_STORAGE_ERROR]).toContain(made.topics[0]?.errorCode)
    expect((await send()).errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR)
    rmSync(ballast)
    expect(await send()).toEqual({ errorCode: errorCodes.NONE, baseOffset: written })
    expect(await bytesRead(written)).toBe(batch.length)
    expect((await client.ask(offsetCommit, 8, committed)).topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.NONE)
    expect(lines.join('')).toContain('the disk is full')
    expect(lines.join('')).toContain('there is room on the disk again')
  })
})
