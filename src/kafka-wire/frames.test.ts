import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apiVersions,
  correlationIdOf,
  decodeRequestHeader,
  decodeResponse,
  encodeRequestFrame,
  encodeResponseFrame,
  fetch,
  heartbeat,
  metadata,
  offsetDelete,
  produce,
  Reader,
  WireError,
  Writer,
} from './index.ts'

const TOPIC_ID = '00112233-4455-6677-8899-aabbccddeeff'
const header = { correlationId: 7, clientId: 'me' }
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
/** Hexadecimal, field by field. */
const joined = (...fields: string[]): string => fields.join('')
const whole = (parts: Uint8Array[]): Buffer => Buffer.concat(parts)

describe('a request frame', () => {
  test('in an old version has header 1 and lengths of fixed width', () => {
    const frame = encodeRequestFrame(metadata, 1, header, { topics: [{ name: 'ab' }] })
    // size | key 3, version 1 | correlation id | client id | one topic: "ab"
    expect(hex(frame)).toBe(joined('00000014', '00030001', '00000007', '00026d65', '00000001', '00026162'))
  })

  test('in a flexible version has header 2, compact lengths and tagged fields', () => {
    const frame = encodeRequestFrame(metadata, 12, header, { topics: [{ topicId: TOPIC_ID, name: null }], allowAutoTopicCreation: false })
    // … client id stays as it was | no tags | one topic: id, null name, no tags | two booleans | no tags
    expect(hex(frame)).toBe(
      joined('00000023', '0003000c', '00000007', '00026d65', '00', '02', '00112233445566778899aabbccddeeff', '00', '00', '00', '00', '00'),
    )
  })

  test('says null for all topics and an empty list for none', () => {
    expect(hex(metadata.request.encode(1, { topics: null }))).toBe('ffffffff')
    expect(hex(metadata.request.encode(1, { topics: [] }))).toBe('00000000')
    expect(metadata.request.decode(1, Buffer.from('ffffffff', 'hex'))).toMatchObject({ ok: true, body: { topics: null } })
  })

  test('is read back by its header, and the body is a view on it', () => {
    const frame = encodeRequestFrame(heartbeat, 4, header, { groupId: 'g', generationId: 3, memberId: 'm' }).subarray(4)
    const read = decodeRequestHeader(frame)
    expect(read).toMatchObject({ ok: true, apiKey: 12, apiVersion: 4, correlationId: 7, clientId: 'me' })
    expect(read.ok && read.body.buffer).toBe(frame.buffer)
    expect(read.ok && heartbeat.request.decode(4, read.body)).toEqual({
      ok: true,
      body: { groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null },
    })
  })

  test('of an unknown key or version still gives its header, so that the broker can answer', () => {
    for (const [key, version] of [
      [18, 99],
      [999, 0],
      [0, 2],
    ]) {
      const frame = Buffer.alloc(12)
      frame.writeInt16BE(key ?? 0, 0)
      frame.writeInt16BE(version ?? 0, 2)
      frame.writeInt32BE(5, 4)
      frame.writeInt16BE(-1, 8)
      expect(decodeRequestHeader(frame)).toMatchObject({ ok: true, apiKey: key, apiVersion: version, correlationId: 5, clientId: null })
    }
  })

  test('cut short or random is refused or read, never anything else', () => {
    expect(decodeRequestHeader(new Uint8Array(3))).toMatchObject({ ok: false })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const read = decodeRequestHeader(bytes)
        expect(read.ok || read.reason.length > 0).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a response frame', () => {
  test('of ApiVersions has header 0 in every version', () => {
    const frame = whole(encodeResponseFrame(apiVersions, 3, 7, { errorCode: 0, apiKeys: [] }))
    // size | correlation id | error | no keys (compact) | throttle | no tags
    expect(hex(frame)).toBe(joined('0000000c', '00000007', '0000', '01', '00000000', '00'))
    expect(decodeResponse(apiVersions, 3, frame.subarray(4)).body.apiKeys).toEqual([])
  })

  test('in a flexible version has tagged fields in its header, in an old one none', () => {
    expect(hex(whole(encodeResponseFrame(heartbeat, 4, 7, { errorCode: 27 })))).toBe(
      joined('0000000c', '00000007', '00', '00000000', '001b', '00'),
    )
    expect(hex(whole(encodeResponseFrame(heartbeat, 3, 7, { errorCode: 27 })))).toBe(joined('0000000a', '00000007', '00000000', '001b'))
    expect(hex(whole(encodeResponseFrame(offsetDelete, 0, 7, { errorCode: 0, topics: [] })))).toBe(
      joined('0000000e', '00000007', '0000', '00000000', '00000000'),
    )
  })

  test('passes large records on without copying them, in both directions', () => {
    const records = Buffer.alloc(100_000, 1)
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 9n, abortedTransactions: null, records }
    const parts = encodeResponseFrame(fetch, 13, 7, { responses: [{ topicId: TOPIC_ID, partitions: [partition] }] })
    expect(parts[1]).toBe(records)
    const frame = whole(parts)
    expect(frame.readInt32BE(0)).toBe(frame.byteLength - 4)
    const back = decodeResponse(fetch, 13, frame.subarray(4)).body.responses[0]?.partitions[0]?.records
    expect(back?.buffer).toBe(frame.buffer)
    expect(back?.byteLength).toBe(100_000)
  })

  test('tells its correlation id before anything else is known', () => {
    expect(correlationIdOf(Buffer.from('00000007', 'hex'))).toBe(7)
    expect(() => correlationIdOf(new Uint8Array(3))).toThrow(WireError)
    expect(() => decodeResponse(heartbeat, 4, new Uint8Array(5))).toThrow(WireError)
  })
})

describe('tagged fields', () => {
  test('that nobody knows are skipped', () => {
    // group "g", generation 3, member "m", no instance | one tagged field: tag 99, 3 bytes
    const bytes = Buffer.from(joined('0267', '00000003', '026d', '00', '01', '63', '03', 'ffffff'), 'hex')
    expect(heartbeat.request.decode(4, bytes)).toMatchObject({ ok: true, body: { groupId: 'g', generationId: 3, memberId: 'm' } })
  })

  test('are left out at their default and written otherwise', () => {
    const plain = { responses: [], sessionId: 0 }
    const tagged = { ...plain, nodeEndpoints: [{ nodeId: 1, host: 'h', port: 9092 }] }
    expect(hex(fetch.response.encode(16, plain)).endsWith('00')).toBe(true)
    const bytes = fetch.response.encode(16, tagged)
    expect(hex(bytes)).toContain(joined('01', '00', '0d', '02', '00000001', '0268', '00002384', '00', '00'))
    expect(fetch.response.decode(16, bytes)).toMatchObject({
      ok: true,
      body: { nodeEndpoints: [{ nodeId: 1, host: 'h', port: 9092, rack: null }] },
    })
  })

  test('whose size disagrees with their content are refused', () => {
    const bytes = fetch.response.encode(16, { responses: [], nodeEndpoints: [{ nodeId: 1, host: 'h', port: 9092 }] })
    const damaged = Buffer.from(bytes)
    damaged[damaged.indexOf(0x0d)] = 0x0c
    expect(fetch.response.decode(16, damaged)).toMatchObject({ ok: false })
  })
})

describe('what a version cannot say', () => {
  test('is an error, unless Kafka calls the field ignorable', () => {
    const topic = { topicId: TOPIC_ID, partitionData: [] }
    expect(() => produce.request.encode(9, { transactionalId: null, acks: 1, timeoutMs: 1, topicData: [topic] })).not.toThrow()
    expect(() => heartbeat.request.encode(2, { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: 'static' })).toThrow(
      /groupInstanceId cannot be said in version 2/,
    )
  })

  test('null where it may not be, a number that does not fit and a string that is too long are errors naming the field', () => {
    const body = { groupId: 'g', generationId: 1, memberId: 'm' }
    expect(() => heartbeat.request.encode(4, { ...body, generationId: 2 ** 31 })).toThrow(/HeartbeatRequest.generationId/)
    expect(() => heartbeat.request.encode(4, { ...body, groupId: 'x'.repeat(40_000) })).toThrow(WireError)
    expect(() => metadata.request.encode(9, { topics: [{ name: null }] })).toThrow(/MetadataRequest.topics.name/)
    expect(metadata.request.decode(0, Buffer.from('ffffffff', 'hex'))).toMatchObject({
      ok: false,
      reason: 'MetadataRequest.topics must not be null',
    })
  })

  test('an array that claims more elements than bytes are left is refused before anything is allocated', () => {
    expect(metadata.request.decode(1, Buffer.from('7fffffff', 'hex'))).toMatchObject({ ok: false })
    expect(metadata.request.decode(9, Buffer.from('ffffffff0f', 'hex'))).toMatchObject({ ok: false })
  })
})

describe('a string', () => {
  test('is refused where it could not be written again: too long, or no UTF-8 that would become so', () => {
    const long = new Writer()
    long.unsignedVarint(0x8000 + 1)
    long.raw(Buffer.alloc(0x8000, 'a'))
    expect(() => new Reader(long.whole()).string(true)).toThrow(WireError)
    const bytes = Buffer.alloc(2 + 20_000, 0xff)
    bytes.writeInt16BE(20_000)
    expect(() => new Reader(bytes).string(false)).toThrow(WireError)
    const longest = new Writer()
    longest.string('a'.repeat(0x7fff), true)
    expect(new Reader(longest.whole()).string(true)).toHaveLength(0x7fff)
  })
})
