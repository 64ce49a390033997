import { expect, test } from 'vitest'
import { deliveryOf, Inbox } from './inbox.ts'

const never = new AbortController().signal
const inboxOf = (options: Partial<ConstructorParameters<typeof Inbox>[0]> = {}) =>
  new Inbox({ maxBytes: 100, remember: 2, remembered: [], ...options })
const records = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))

test('bodies that wait are bounded, and room comes back', () => {
  const inbox = inboxOf()
  const giveBack = inbox.reserve(60)
  expect(giveBack).not.toBeNull()
  expect(inbox.reserve(41)).toBeNull()
  giveBack?.()
  expect(inbox.reserve(100)).not.toBeNull()
})

test('a page has as many requests as fit, one at least, and none is parted', async () => {
  const inbox = inboxOf()
  for (const count of [5, 2, 2, 3]) void inbox.put(deliveryOf(records(count), null))
  const taken = []
  for (let i = 0; i < 3; i++) taken.push((await inbox.take(4, never)).map((delivery) => delivery.records.length))
  expect(taken).toEqual([[5], [2, 2], [3]])
})

test('who takes waits for a request, for the end, or for an abort', async () => {
  const inbox = inboxOf()
  const waiting = inbox.take(10, never)
  void inbox.put(deliveryOf(records(1), null))
  expect(await waiting).toHaveLength(1)
  const stop = new AbortController()
  const stopped = inbox.take(10, stop.signal)
  stop.abort()
  expect(await stopped).toEqual([])
  const ended = inbox.take(10, never)
  inbox.close()
  expect(await ended).toEqual([])
  expect(await inbox.put(deliveryOf(records(1), null))).toMatchObject({ status: 503 })
})

test('a request of the same key has the answer of the one that waits; once committed it is known', async () => {
  const inbox = inboxOf()
  const first = inbox.put(deliveryOf(records(1), 'a'))
  const again = inbox.put(deliveryOf(records(1), 'a'))
  const taken = await inbox.take(10, never)
  expect(taken).toHaveLength(1)
  inbox.committed(taken)
  expect([await first, await again]).toEqual([
    { status: 200, body: { records: 1 } },
    { status: 200, body: { records: 1 } },
  ])
  expect(await inbox.put(deliveryOf(records(1), 'a'))).toEqual({ status: 200, body: { records: 1, repeated: true } })
})

test('of keys the latest are remembered', async () => {
  const inbox = inboxOf({ remembered: ['a', 'b'] })
  void inbox.put(deliveryOf(records(1), 'c'))
  const taken = await inbox.take(10, never)
  expect(inbox.rememberedWith(taken)).toEqual(['b', 'c'])
  inbox.committed(taken)
  void inbox.put(deliveryOf(records(1), 'a'))
  expect(await inbox.take(10, never)).toHaveLength(1)
})

test('one that was not committed is not remembered, and its sender is told to come again', async () => {
  const inbox = inboxOf()
  const answered = inbox.put(deliveryOf(records(1), 'a'))
  inbox.giveUp('the run ended')
  expect(await answered).toEqual({ status: 503, body: { error: 'the run ended' }, headers: { 'retry-after': '1' } })
  expect(inbox.rememberedWith([])).toEqual([])
})
