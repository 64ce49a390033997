import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts'

const topicPartitions = fc.array(fc.record({ topic: fc.string(), partitions: fc.array(fc.nat(), { maxLength: 5 }) }), { maxLength: 4 })
const userData = fc.option(fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)))

describe("Kafka's consumer protocol", () => {
  it('gives back every subscription', () => {
    const subscriptions = fc.record({
      topics: fc.array(fc.string(), { maxLength: 4 }),
      userData,
      ownedPartitions: topicPartitions,
      generationId: fc.integer(),
    })
    fc.assert(
      fc.property(subscriptions, (subscription) => {
        expect(decodeSubscription(encodeSubscription(subscription))).toEqual({
          ...subscription,
          generationId: subscription.generationId | 0,
        })
      }),
    )
  })

  it('gives back every assignment', () => {
    fc.assert(
      fc.property(fc.record({ partitions: topicPartitions, userData }), (assignment) => {
        expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment)
      }),
    )
  })

  it('reads version 0, as old clients write it', () => {
    const old = Buffer.from('0000000000010003666f6fffffffff', 'hex')
    expect(decodeSubscription(old)).toEqual({ topics: ['foo'], userData: null, ownedPartitions: [], generationId: -1 })
  })

  it('answers garbage with PROTOCOL', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const decode of [decodeSubscription, decodeAssignment]) {
          try {
            decode(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(MillraceError)
            expect(error).toMatchObject({ code: 'PROTOCOL' })
          }
        }
      }),
    )
  })
})
