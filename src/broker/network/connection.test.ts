import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  apiVersions,
  createTopics,
  decodeResponse,
  deleteTopics,
  encodeRequestFrame,
  errorCodes,
  fetch,
  metadata,
  produce,
  type Api,
} from '../../kafka-wire/index.ts'
import { startBroker, type BrokerHandle, type BrokerOptions } from '../index.ts'
import { testBatch } from '../testing/open-test-log.ts'
import { FrameReader } from './frame-reader.ts'

let dataDir = ''
let broker: BrokerHandle
const sockets: Socket[] = []

async function start(over: Partial<BrokerOptions> = {}): Promise<void> {
  broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }], ...over })
}

/** A bare connection: writes bytes, collects response frames. */
function open(): { socket: Socket; frames: Buffer[]; ended: () => boolean } {
  const socket = connect(broker.listeners[0]?.port ?? 0, '127.0.0.1')
  sockets.push(socket)
  const frames: Buffer[] = []
  const reader = new FrameReader(1 << 28)
  let ended = false
  socket.on('data', (chunk: Buffer) => reader.push(chunk, frames))
  socket.on('close', () => (ended = true))
  socket.on('error', () => {})
  return { socket, frames, ended: () => ended }
}

function request<Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  version: number,
  correlationId: number,
  body: NoInfer<SparseReq>,
): Uint8Array {
  return encodeRequestFrame(api, version, { correlationId, clientId: 'test' }, body)
}

function produced(correlationId: number, acks: number, records = testBatch(3), version = 9): Uint8Array {
  return request(produce, version, correlationId, {
    transactionalId: null,
    acks,
    timeoutMs: 5000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
  })
}

function fetched(correlationId: number, offset: bigint, maxWaitMs: number, minBytes = 1): Uint8Array {
  return request(fetch, 11, correlationId, {
    maxWaitMs,
    minBytes,
    topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20 }] }],
    forgottenTopicsData: [],
  })
}

async function makeTopic(): Promise<void> {
  const { socket, frames } = open()
  socket.write(
    request(createTopics, 7, 1, { topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }] }),
  )
  await vi.waitFor(() => expect(frames.length).toBe(1))
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  await start()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await broker.close()
  rmSync(dataDir, { recursive: true, force: true })
})

describe('a connection', () => {
  it('answers pipelined requests in their order, a waiting fetch before what follows it', async () => {
    await makeTopic()
    const { socket, frames } = open()
    socket.write(
      Buffer.concat([
        fetched(1, 0n, 10_000),
        produced(2, -1),
        produced(3, 0),
        fetched(4, 0n, 0),
        request(metadata, 5, 5, { topics: [], allowAutoTopicCreation: false }),
      ]),
    )
    await vi.waitFor(() => expect(frames.length).toBe(4))
    expect(frames.map((frame) => frame.readInt32BE(0))).toEqual([1, 2, 4, 5])
    const first = frames[0] && decodeResponse(fetch, 11, frames[0])
    const partition = first?.body.responses[0]?.partitions[0]
    expect(partition?.errorCode).toBe(0)
    // One batch, or both when one sync showed them together.
    expect([testBatch(3).length, 2 * testBatch(3).length]).toContain(partition?.records?.length)
  })

  it('answers a fetch without news after its wait, and an error at once', async () => {
    await makeTopic()
    const { socket, frames } = open()
    const before = performance.now()
    socket.write(Buffer.concat([fetched(1, 0n, 60), fetched(2, 7n, 60_000)]))
    await vi.waitFor(() => expect(frames.length).toBe(2))
    expect(performance.now() - before).toBeGreaterThan(55)
    expect(frames[1] && decodeResponse(fetch, 11, frames[1]).body.responses[0]?.partitions[0]?.errorCode).toBe(
      errorCodes.OFFSET_OUT_OF_RANGE,
    )
  })

  it('ends the wait of a fetch when its topic is deleted', async () => {
    await makeTopic()
    const waiting = open()
    waiting.socket.write(Buffer.concat([fetched(1, 0n, 0), fetched(2, 0n, 60_000)]))
    await vi.waitFor(() => expect(waiting.frames.length).toBe(1))
    const other = open()
    other.socket.write(request(deleteTopics, 5, 1, { topicNames: ['t'], timeoutMs: 1000 }))
    await vi.waitFor(() => expect([waiting.frames.length, other.frames.length]).toEqual([2, 1]))
    const answer = waiting.frames[1] && decodeResponse(fetch, 11, waiting.frames[1])
    expect(answer?.body.responses[0]?.partitions[0]?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('lists its versions to a client that asks in a version of the future (KIP-511)', async () => {
    const { socket, frames } = open()
    const future = Buffer.from(request(apiVersions, 3, 9, { clientSoftwareName: 'x', clientSoftwareVersion: '1' }))
    future.writeInt16BE(99, 6)
    socket.write(future)
    await vi.waitFor(() => expect(frames.length).toBe(1))
    const { body } = decodeResponse(apiVersions, 0, frames[0] ?? Buffer.alloc(0))
    expect(body.errorCode).toBe(errorCodes.UNSUPPORTED_VERSION)
    expect(body.apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
    expect(body.apiKeys.some(({ apiKey }) => apiKey === 71)).toBe(false)
  })

  it('names a feature whose lowest level is 0 from version 4 on only: an older client of Java ends at one (KAFKA-17011)', async () => {
    const { socket, frames } = open()
    for (const version of [3, 4])
      socket.write(request(apiVersions, version, version, { clientSoftwareName: 'x', clientSoftwareVersion: '1' }))
    await vi.waitFor(() => expect(frames.length).toBe(2))
    const [three, four] = [3, 4].map((version, at) => decodeResponse(apiVersions, version, frames[at] ?? Buffer.alloc(0)).body)
    expect(three?.supportedFeatures).toEqual([])
    expect(four?.supportedFeatures).toEqual([
      { name: 'group.version', minVersion: 0, maxVersion: 1 },
      { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
    ])
    expect(three?.finalizedFeatures).toEqual(four?.finalizedFeatures)
  })

  it('refuses Produce 0 to 2, which it advertises for librdkafka, partition by partition', async () => {
    const { socket, frames } = open()
    const body = Buffer.from('0001' + '00001388' + '00000001' + '000174' + '00000001' + '00000000' + '00000000', 'hex')
    const header = Buffer.from('0000' + '0002' + '00000007' + '000178', 'hex')
    const size = Buffer.alloc(4)
    size.writeInt32BE(header.length + body.length)
    socket.write(Buffer.concat([size, header, body]))
    await vi.waitFor(() => expect(frames.length).toBe(1))
    expect(frames[0]?.toString('hex')).toBe(
      '00000007' + '00000001' + '000174' + '00000001' + '00000000' + '0023' + 'ff'.repeat(16) + '00000000',
    )
  })

  it('is closed by nonsense, alone', async () => {
    const witness = open()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 4, maxLength: 200 }), fc.boolean(), async (garbage, sized) => {
        const { socket, ended } = open()
        const size = Buffer.alloc(4)
        size.writeInt32BE(garbage.length)
        socket.end(sized ? Buffer.concat([size, garbage]) : Buffer.concat([Buffer.from([0x7f]), garbage]))
        await vi.waitFor(() => expect(ended()).toBe(true), { interval: 5 })
      }),
      { numRuns: 100 },
    )
    witness.socket.write(request(metadata, 5, 5, { topics: [], allowAutoTopicCreation: false }))
    await vi.waitFor(() => expect(witness.frames.length).toBe(1))
  })

  it('looks at nothing behind bytes that are no frame, as in a form that a browser was made to send', async () => {
    const { socket, ended } = open()
    // As large as one read of a socket: what follows comes in a chunk of its own.
    const form = Buffer.alloc(65_536, 'POST / HTTP/1.1\r\n')
    const topic = { name: 'smuggled', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    socket.write(Buffer.concat([form, request(createTopics, 7, 1, { topics: [topic] })]))
    await vi.waitFor(() => expect(ended()).toBe(true))
    const witness = open()
    witness.socket.write(request(metadata, 5, 1, { topics: null, allowAutoTopicCreation: false }))
    await vi.waitFor(() => expect(witness.frames.length).toBe(1))
    expect(decodeResponse(metadata, 5, witness.frames[0] ?? Buffer.alloc(0)).body.topics).toEqual([])
  })

  it('is given the answers to what came before the nonsense', async () => {
    const { socket, frames, ended } = open()
    const asked = request(apiVersions, 3, 5, { clientSoftwareName: 'x', clientSoftwareVersion: '1' })
    socket.write(Buffer.concat([asked, Buffer.from([0, 0, 0, 4, 0x7f, 0, 0, 0])]))
    await vi.waitFor(() => expect(ended()).toBe(true))
    expect(frames.map((frame) => frame.readInt32BE(0))).toEqual([5])
  })

  it('closes on what a stranger sends before authentication, be it a request or a large frame (P8)', async () => {
    await broker.close()
    await start({ listeners: [{ host: '127.0.0.1', port: 0, credentials: { username: 'u', password: 'p' } }] })
    const early = open()
    early.socket.write(request(metadata, 5, 5, { topics: [], allowAutoTopicCreation: false }))
    const large = open()
    large.socket.write(Buffer.from([0, 0x10, 0, 0]))
    await vi.waitFor(() => expect([early.ended(), early.frames.length, large.ended()]).toEqual([true, 0, true]))
  })

  it('stops reading from a client that takes no answers, and serves it in full once it does', async () => {
    await makeTopic()
    const { socket, frames } = open()
    socket.write(produced(1, -1, testBatch(20_000)))
    await vi.waitFor(() => expect(frames.length).toBe(1), { timeout: 5000 })
    socket.pause()
    const asked = 60
    for (let i = 0; i < asked; i++) socket.write(fetched(100 + i, 0n, 0))
    await vi.waitFor(() => expect(process.memoryUsage().arrayBuffers).toBeLessThan(200 << 20))
    socket.resume()
    await vi.waitFor(() => expect(frames.length).toBe(1 + asked), { timeout: 5000 })
    expect(frames.slice(1).map((frame) => frame.readInt32BE(0))).toEqual(Array.from({ length: asked }, (_, i) => 100 + i))
  })

  it('is closed when nothing comes for connections.max.idle.ms, and not while a fetch of it waits', async () => {
    await broker.close()
    await start({ config: { 'connections.max.idle.ms': '150' } })
    await makeTopic()
    const idle = open()
    const waiting = open()
    waiting.socket.write(fetched(1, 0n, 400))
    await vi.waitFor(() => expect(idle.ended()).toBe(true), { timeout: 3000 })
    await vi.waitFor(() => expect(waiting.frames.length).toBe(1), { timeout: 3000 })
  })

  it('is closed by a request larger than socket.request.max.bytes, before it comes', async () => {
    await broker.close()
    await start({ config: { 'socket.request.max.bytes': '1000' } })
    const { socket, ended } = open()
    socket.write(Buffer.from([0, 0, 0x10, 0]))
    await vi.waitFor(() => expect(ended()).toBe(true))
  })
})

describe('the frame reader', () => {
  it('finds the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (payloads, cuts) => {
          const stream = Buffer.concat(
            payloads.flatMap((payload) => {
              const size = Buffer.alloc(4)
              size.writeInt32BE(payload.length)
              return [size, Buffer.from(payload)]
            }),
          )
          const reader = new FrameReader(1000)
          const frames: Buffer[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = Math.min(stream.length, at + (cuts[i % cuts.length] ?? 1))
            expect(reader.push(stream.subarray(at, end), frames)).toBeNull()
            at = end
          }
          expect(frames).toEqual(payloads.map((payload) => Buffer.from(payload)))
        },
      ),
    )
  })

  it('refuses sizes that are negative or too large', () => {
    expect(new FrameReader(100).push(Buffer.from([0xff, 0, 0, 0]), [])).toContain('not between')
    expect(new FrameReader(100).push(Buffer.from([0, 0, 0, 101]), [])).toContain('not between')
  })
})
