import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorCodes, type FetchRequest } from '../../kafka-wire/index.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { FetchSessions, type FetchPlan } from './fetch-sessions.ts'

const noId = '00000000-0000-0000-0000-000000000000'

function request(sessionId: number, sessionEpoch: number, partitions: number[], forgotten: number[] = [], offset = 0): FetchRequest {
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1,
    isolationLevel: 0,
    sessionId,
    sessionEpoch,
    rackId: '',
    topics: partitions.map((partition) => ({
      topic: 't',
      topicId: noId,
      partitions: [
        {
          partition,
          currentLeaderEpoch: -1,
          fetchOffset: BigInt(offset),
          lastFetchedEpoch: -1,
          logStartOffset: -1n,
          partitionMaxBytes: 1,
          replicaDirectoryId: noId,
          highWatermark: 0n,
        },
      ],
    })),
    forgottenTopicsData: forgotten.length === 0 ? [] : [{ topic: 't', topicId: noId, partitions: forgotten }],
  }
}

function open(slots = 10) {
  const clock = new ManualClock()
  let next = 0
  const sessions = new FetchSessions({ clock, slots, random: () => (next = (next + 0.137) % 1) })
  return { clock, sessions }
}

const answer = { errorCode: 0, highWatermark: 5n, logStartOffset: 0n, records: Buffer.alloc(0) }
const fetched = ({ wanted }: FetchPlan): number[] => wanted.map(({ partition }) => partition)

/** What the client is told when all partitions stand like this. */
const tell = (plan: FetchPlan, how: Partial<typeof answer> = {}): number[] =>
  plan.wanted.filter((wanted) => plan.tells(wanted, { ...answer, ...how })).map(({ partition }) => partition)

test('a session remembers its partitions and tells only what is new', () => {
  const { sessions } = open()
  const first = sessions.plan(request(0, 0, [0, 1, 2]), false)
  expect(first.sessionId).not.toBe(0)
  expect(tell(first)).toEqual([0, 1, 2])
  const second = sessions.plan(request(first.sessionId, 1, []), false)
  expect(fetched(second)).toEqual([0, 1, 2])
  expect(tell(second)).toEqual([])
  const third = sessions.plan(request(first.sessionId, 2, [1], [2], 7), false)
  expect(third.wanted.map(({ partition, fetchOffset }) => [partition, fetchOffset])).toEqual([
    [0, 0],
    [1, 7],
  ])
  expect(tell(third, { highWatermark: 6n })).toEqual([0, 1])
})

test('partitions that had records are read last the next time, and errors are told until they are over', () => {
  const { sessions } = open()
  const { sessionId } = sessions.plan(request(0, 0, [0, 1]), false)
  const [zero] = sessions.plan(request(sessionId, 1, []), false).wanted
  const plan = sessions.plan(request(sessionId, 2, []), false)
  expect(zero && plan.tells(zero, { ...answer, records: Buffer.alloc(1) })).toBe(true)
  const next = sessions.plan(request(sessionId, 3, []), false)
  expect(fetched(next)).toEqual([1, 0])
  expect(tell(next, { errorCode: errorCodes.KAFKA_STORAGE_ERROR })).toEqual([1, 0])
  expect(tell(sessions.plan(request(sessionId, 4, []), false))).toEqual([1, 0])
})

test('an unknown session, a wrong epoch and ids instead of names are refused', () => {
  const { sessions } = open()
  const { sessionId } = sessions.plan(request(0, 0, [0]), false)
  expect(sessions.plan(request(sessionId + 1, 1, []), false).errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
  expect(sessions.plan(request(sessionId, 2, []), false).errorCode).toBe(errorCodes.INVALID_FETCH_SESSION_EPOCH)
  expect(sessions.plan(request(sessionId, 1, []), true).errorCode).toBe(errorCodes.FETCH_SESSION_TOPIC_ID_ERROR)
  expect(sessions.plan(request(sessionId, 1, []), false).errorCode).toBe(errorCodes.NONE)
})

test('a session ends by the last epoch, and when all its partitions are forgotten', () => {
  const { sessions } = open()
  const one = sessions.plan(request(0, 0, [0]), false).sessionId
  expect(sessions.plan(request(one, -1, [0]), false)).toMatchObject({ errorCode: errorCodes.NONE, sessionId: 0 })
  const other = sessions.plan(request(0, 0, [0]), false).sessionId
  expect(sessions.plan(request(other, 1, [], [0]), false)).toMatchObject({ errorCode: errorCodes.NONE, sessionId: 0, wanted: [] })
  expect(sessions.size).toBe(0)
})

test('there are never more than slots; a long idle or an old smaller one makes room', () => {
  const { clock, sessions } = open(2)
  const small = sessions.plan(request(0, 0, [0]), false).sessionId
  const large = sessions.plan(request(0, 0, [0, 1, 2]), false).sessionId
  expect(sessions.plan(request(0, 0, [0, 1]), false).sessionId).toBe(0)
  clock.advance(120_001)
  for (const [id, epoch] of [
    [large, 1],
    [small, 1],
  ] as const)
    expect(sessions.plan(request(id, epoch, []), false).errorCode).toBe(errorCodes.NONE)
  expect(sessions.plan(request(0, 0, [0, 1]), false).sessionId).not.toBe(0)
  expect(sessions.plan(request(small, 2, []), false).errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
  expect(sessions.size).toBe(2)
})

const change = fc.record({
  add: fc.subarray([0, 1, 2, 3]),
  forget: fc.subarray([0, 1, 2, 3]),
  stray: fc.boolean(),
})

test('whatever is added and forgotten, a session reads what a list kept by hand says', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const { sessions } = open()
      const { sessionId } = sessions.plan(request(0, 0, [0, 9]), false)
      const expected = new Set([0, 9])
      let epoch = 1
      for (const { add, forget, stray } of changes) {
        if (stray) expect(sessions.plan(request(sessionId, epoch + 7, []), false).wanted).toEqual([])
        for (const partition of add) expected.add(partition)
        for (const partition of forget) expected.delete(partition)
        expect(new Set(fetched(sessions.plan(request(sessionId, epoch++, add, forget), false)))).toEqual(expected)
      }
    }),
  )
})
