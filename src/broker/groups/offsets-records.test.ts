import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../kafka-wire/index.ts'
import { groupKey, groupValue, offsetKey, offsetValue, readOffsetsRecord } from './offsets-records.ts'
import { partitionOf } from '../topics/internal-topic.ts'

const text = fc.string({ maxLength: 20 })
const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Uint8Array.from(array))
const int32 = fc.integer({ min: -1, max: 2 ** 31 - 1 })

describe('records of __consumer_offsets', () => {
  it('bring back every offset commit, metadata included', () => {
    const committed = fc.record({ offset: fc.maxSafeNat(), leaderEpoch: int32, metadata: text, commitTimestampMs: fc.maxSafeNat() })
    fc.assert(
      fc.property(text, text, int32, committed, (group, topic, partition, value) => {
        expect(readOffsetsRecord(offsetKey(group, topic, partition), offsetValue(value))).toEqual({
          is: 'offset',
          group,
          topic,
          partition,
          committed: value,
        })
      }),
    )
  })

  it('bring back every group', () => {
    const member = fc.record({
      id: text,
      instanceId: fc.option(text),
      clientId: text,
      clientHost: text,
      rebalanceTimeoutMs: int32,
      sessionTimeoutMs: int32,
      subscription: bytes,
      assignment: bytes,
    })
    const snapshot = fc.record({
      protocolType: text,
      generationId: int32,
      protocolName: fc.option(text),
      leader: fc.option(text),
      stateTimestampMs: fc.maxSafeNat(),
      members: fc.array(member, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(text, snapshot, (group, value) => {
        expect(readOffsetsRecord(groupKey(group), groupValue(value))).toEqual({ is: 'group', group, snapshot: value })
      }),
    )
  })

  it('throw nothing but WireError on any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.option(fc.uint8Array({ maxLength: 60 })),
        fc.integer({ min: 0, max: 3 }),
        (key, value, version) => {
          try {
            readOffsetsRecord(Uint8Array.from([0, version, ...key]), value)
          } catch (error) {
            expect(error).toBeInstanceOf(WireError)
          }
        },
      ),
    )
  })

  it('are read as Kafka 4.4 writes them, flexible, with a topic id', () => {
    const value = Buffer.from('0004' + '0000000000000005' + '00000002' + '0568657265' + '00000000000003e8' + '01' + '00' + '10', 'hex')
    const written = Buffer.concat([value, Buffer.alloc(16, 7)])
    expect(readOffsetsRecord(offsetKey('g', 't', 1), written)).toMatchObject({
      committed: { offset: 5, leaderEpoch: 2, metadata: 'here', commitTimestampMs: 1000 },
    })
  })

  it('lie in the partition that Kafka would choose', () => {
    // "hello".hashCode() is 99162322 in Java; "polygenelubricants".hashCode() is the smallest int.
    expect([partitionOf('hello', 50), partitionOf('polygenelubricants', 50)]).toEqual([22, 0])
  })
})
