import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorCodes } from '../kafka-wire/index.ts'
import { FetchSession, type FetchQuestion, type SessionRequest } from './fetch-session.ts'

const question = (partition: number, fetchOffset: bigint): FetchQuestion => ({
  topic: 't',
  topicId: 'id',
  partition,
  fetchOffset,
  currentLeaderEpoch: 0,
  partitionMaxBytes: 1,
})

/** A broker's side of sessions (KIP-227), as far as it decides which partitions are read, and from where. */
class BrokerSessions {
  readonly #sessions = new Map<number, { epoch: number; partitions: Map<string, bigint> }>()
  #ids = 0

  /** What is read; an error code when the session is not there. */
  fetch({
    sessionId,
    sessionEpoch,
    topics,
    forgottenTopicsData,
  }: SessionRequest): { sessionId: number; reads: Map<string, bigint> } | number {
    const named = topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, fetchOffset }): [string, bigint] => [`${topic}-${partition}`, fetchOffset]),
    )
    if (sessionEpoch === 0) {
      this.#sessions.delete(sessionId)
      const session = { epoch: 1, partitions: new Map(named) }
      this.#sessions.set(++this.#ids, session)
      return { sessionId: this.#ids, reads: session.partitions }
    }
    const session = this.#sessions.get(sessionId)
    if (!session) return errorCodes.FETCH_SESSION_ID_NOT_FOUND
    if (session.epoch !== sessionEpoch) return errorCodes.INVALID_FETCH_SESSION_EPOCH
    session.epoch++
    for (const [key, offset] of named) session.partitions.set(key, offset)
    for (const { topic, partitions } of forgottenTopicsData) for (const each of partitions) session.partitions.delete(`${topic}-${each}`)
    return { sessionId, reads: session.partitions }
  }

  forgetAll(): void {
    this.#sessions.clear()
  }
}

test('the broker reads what is wanted, whatever was wanted, lost or evicted before', () => {
  const wanted = fc.uniqueArray(fc.record({ partition: fc.nat(5), offset: fc.bigInt(0n, 3n) }), { selector: ({ partition }) => partition })
  const steps = fc.array(
    fc.record({ wanted, fate: fc.constantFrom('answered', 'answered', 'answer lost', 'request lost', 'evicted', 'ids change') }),
  )
  fc.assert(
    fc.property(steps, (history) => {
      const broker = new BrokerSessions()
      const session = new FetchSession()
      let byId = true
      for (const { wanted: some, fate } of history) {
        if (fate === 'evicted') broker.forgetAll()
        if (fate === 'ids change') byId = !byId
        const questions = some.map(({ partition, offset }) => question(partition, offset))
        const asked = session.next(questions, byId)
        if (fate === 'request lost') {
          session.lost()
          continue
        }
        const answer = broker.fetch(asked)
        if (fate === 'answer lost') session.lost()
        else if (typeof answer === 'number') session.refused(answer)
        else {
          session.answered(answer.sessionId)
          expect(Object.fromEntries(answer.reads)).toEqual(
            Object.fromEntries(some.map(({ partition, offset }) => [`t-${partition}`, offset])),
          )
        }
      }
    }),
  )
})

test('after the first fetch only what changed is named, and what is no longer wanted is forgotten', () => {
  const session = new FetchSession()
  expect(session.next([question(0, 5n), question(1, 7n)], true)).toMatchObject({ sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [] })
  session.answered(9)
  const second = session.next([question(0, 6n)], true)
  expect(second).toMatchObject({ sessionId: 9, sessionEpoch: 1, forgottenTopicsData: [{ topicId: 'id', partitions: [1] }] })
  expect(second.topics).toMatchObject([{ partitions: [{ partition: 0, fetchOffset: 6n }] }])
  session.answered(9)
  expect(session.next([question(0, 6n)], true)).toEqual({ sessionId: 9, sessionEpoch: 2, topics: [], forgottenTopicsData: [] })
})

test('a broker that keeps no sessions is asked for everything each time', () => {
  const session = new FetchSession()
  for (let i = 0; i < 2; i++) {
    expect(session.next([question(0, 5n)], false)).toMatchObject({ sessionId: 0, sessionEpoch: 0, topics: [{ topic: 't' }] })
    session.answered(0)
  }
})

test('a session that is gone is asked for anew at once, one out of step is replaced', () => {
  const session = new FetchSession()
  session.next([question(0, 5n)], true)
  session.answered(9)
  session.next([question(0, 5n)], true)
  session.refused(errorCodes.INVALID_FETCH_SESSION_EPOCH)
  expect(session.next([question(0, 5n)], true)).toMatchObject({
    sessionId: 9,
    sessionEpoch: 0,
    topics: [{ partitions: [{ partition: 0 }] }],
  })
  session.refused(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
  expect(session.next([question(0, 5n)], true)).toMatchObject({ sessionId: 0, sessionEpoch: 0 })
})
