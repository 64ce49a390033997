import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { errorCodes, Reader } from '../../../kafka-wire/index.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { TopicsForTests } from '../../testing/topics-for-tests.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { HeartbeatInput, HeartbeatOutcome } from './heartbeat.ts'
import { OwedRecords } from './owed-records.ts'
import { each, fromList, listed, noPartitions, type Partitions } from './partitions.ts'
import { readConsumerRecord, type RecordEntry } from './records.ts'
import { ConsumerSnapshot } from './snapshot.ts'

const sessionTimeoutMs = 45_000
const rebalanceTimeoutMs = 10_000

/** A group, what it has written, and members that do what clients do: own what they are given, give up what they are told to. */
class World {
  readonly clock = new ManualClock()
  readonly topics = new TopicsForTests()
  readonly written: RecordEntry[] = []
  readonly owned = new Map<string, Partitions>()
  readonly epochs = new Map<string, number>()
  diskWorks = true
  group = this.#open()

  #open(): ConsumerGroup {
    const owed = new OwedRecords((entries) => {
      if (this.diskWorks) this.written.push(...entries)
      return Promise.resolve(this.diskWorks)
    })
    return new ConsumerGroup('g', {
      clock: this.clock,
      topics: this.topics,
      settings: () => ({ sessionTimeoutMs, heartbeatIntervalMs: 5_000, maxMembers: 100 }),
      persist: (entries) => owed.write(entries),
      becomeClassic: () => null,
    })
  }

  /** What the group's records say, read back. */
  snapshot(): ConsumerSnapshot {
    const snapshot = new ConsumerSnapshot()
    for (const { key, value } of this.written) {
      const reader = new Reader(key)
      const record = readConsumerRecord(reader.int16(), reader, value)
      if (record) snapshot.apply(record)
    }
    return snapshot
  }

  restart(): void {
    this.group.close()
    this.group = this.#open()
    this.group.restore(this.snapshot())
  }

  async send(memberId: string, over: Partial<HeartbeatInput>): Promise<HeartbeatOutcome> {
    const outcome = await this.group.heartbeat({
      memberId,
      memberEpoch: this.epochs.get(memberId) ?? 0,
      instanceId: null,
      rackId: null,
      clientId: 'c',
      clientHost: '/h',
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      owned: null,
      ...over,
    })
    if (outcome.errorCode !== errorCodes.NONE) {
      this.epochs.delete(memberId)
      this.owned.delete(memberId)
    } else {
      this.epochs.set(memberId, outcome.memberEpoch)
      // What is no longer assigned is given up; what is new is read from now on.
      if (outcome.assignment) this.owned.set(memberId, fromList(listed(outcome.assignment)))
    }
    return outcome
  }

  async join(memberId: string, topics: string[], over: Partial<HeartbeatInput> = {}): Promise<HeartbeatOutcome> {
    this.owned.set(memberId, noPartitions)
    return this.send(memberId, { memberEpoch: 0, rebalanceTimeoutMs, subscribedTopicNames: topics, owned: noPartitions, ...over })
  }

  beat(memberId: string): Promise<HeartbeatOutcome> {
    return this.send(memberId, { owned: this.owned.get(memberId) ?? noPartitions })
  }

  async leave(memberId: string): Promise<void> {
    await this.send(memberId, { memberEpoch: -1 })
    this.epochs.delete(memberId)
    this.owned.delete(memberId)
  }

  /** Heartbeats of all until nothing changes any more. */
  async settle(): Promise<void> {
    for (let round = 0; round < 10; round++) for (const memberId of this.epochs.keys()) await this.beat(memberId)
  }

  /** Who owns each partition; a second owner is a defect. */
  owners(): Map<string, string> {
    const owners = new Map<string, string>()
    for (const [memberId, owned] of this.owned) {
      for (const [topicId, partition] of each(owned)) {
        expect(owners.get(`${topicId}-${partition}`), `${topicId}-${partition} has one owner`).toBeUndefined()
        owners.set(`${topicId}-${partition}`, memberId)
      }
    }
    return owners
  }

  ownedBy(memberId: string): number {
    return [...each(this.owned.get(memberId) ?? noPartitions)].length
  }
}

describe('a consumer group', () => {
  let world: World
  beforeEach(() => {
    world = new World()
    world.topics.put('a', 4)
  })

  test('gives a second member what the first has given up, not before', async () => {
    expect((await world.join('one', ['a'])).memberEpoch).toBe(2)
    expect((await world.join('two', ['a'])).assignment?.size).toBe(0)
    expect(listed((await world.send('one', {})).assignment ?? noPartitions)).toMatchObject([{ partitions: [0, 1] }])
    expect((await world.beat('two')).assignment).toBeNull()
    expect((await world.beat('one')).memberEpoch).toBe(3)
    expect(listed((await world.beat('two')).assignment ?? noPartitions)).toMatchObject([{ partitions: [2, 3] }])
    expect(world.group.state).toBe('stable')
  })

  test('puts out who is silent for the session timeout, and who does not give up in time what it must', async () => {
    await world.join('one', ['a'])
    await world.join('two', ['a'])
    await world.send('one', {})
    for (let waitedMs = 0; waitedMs <= rebalanceTimeoutMs; waitedMs += 4_000) {
      world.clock.advance(4_000)
      await world.send('one', { owned: fromList([{ topicId: world.topics.get('a')?.id ?? '', partitions: [0, 1, 2, 3] }]) })
    }
    expect(world.group.members.map(({ id }) => id)).toEqual(['two'])
    await world.beat('two')
    expect(world.ownedBy('two')).toBe(4)
    world.clock.advance(sessionTimeoutMs + 1)
    expect(world.group.state).toBe('empty')
  })

  test('sees a topic that comes, grows and goes by the next heartbeat', async () => {
    await world.join('one', ['a', 'later'])
    world.topics.put('later', 2)
    await world.beat('one')
    expect(world.ownedBy('one')).toBe(6)
    world.topics.put('a', 6)
    await world.beat('one')
    expect(world.ownedBy('one')).toBe(8)
    world.topics.remove('a')
    await world.settle()
    expect(world.ownedBy('one')).toBe(2)
  })

  test('follows a pattern to topics that come later', async () => {
    await world.join('one', [], { subscribedTopicNames: null, subscribedTopicRegex: 'b.*' })
    expect(world.ownedBy('one')).toBe(0)
    world.topics.put('b1', 3)
    await world.beat('one')
    expect(world.ownedBy('one')).toBe(3)
    expect(world.group.reads('b1')).toBe(true)
    expect(world.snapshot().patterns).toEqual(new Map([['b.*', ['b1']]]))
  })

  test('answers nothing that is not on the disk, and writes it with what comes next', async () => {
    world.diskWorks = false
    expect((await world.join('one', ['a'])).errorCode).toBe(errorCodes.COORDINATOR_NOT_AVAILABLE)
    world.diskWorks = true
    expect((await world.join('one', ['a'])).errorCode).toBe(errorCodes.NONE)
    world.restart()
    expect(world.group.members.map(({ id }) => id)).toEqual(['one'])
    expect(world.group.state).toBe('stable')
  })

  test('gives members commits of their epoch, and of an older one for what they had in it (KIP-1251)', async () => {
    await world.join('one', ['a'])
    await world.join('two', ['a'])
    await world.settle()
    const commit = (epoch: number, partition: number, memberId = 'one') =>
      world.group.mayCommit(memberId, epoch, false, [{ topic: 'a', partition }])
    expect(commit(3, 0)).toBe(errorCodes.NONE)
    expect(commit(2, 0)).toBe(errorCodes.NONE)
    expect(commit(2, 3)).toBe(errorCodes.STALE_MEMBER_EPOCH)
    expect(commit(2, 2, 'two')).toBe(errorCodes.STALE_MEMBER_EPOCH)
    expect(commit(4, 0)).toBe(errorCodes.STALE_MEMBER_EPOCH)
    expect(commit(3, 0, 'nobody')).toBe(errorCodes.UNKNOWN_MEMBER_ID)
  })
})

const members = ['m0', 'm1', 'm2', 'm3'] as const
const member = fc.constantFrom(...members)
const topicNames = ['a', 'b', 'c'] as const
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('join' as const),
      member,
      topics: fc.subarray([...topicNames], { minLength: 1 }),
      assignor: fc.constantFrom('uniform', 'range', null),
    }),
  },
  { weight: 8, arbitrary: fc.record({ is: fc.constant('beat' as const), member }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('late' as const), member }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('leave' as const), member }) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('topic' as const),
      name: fc.constantFrom(...topicNames),
      partitions: fc.integer({ min: 0, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('silence' as const) }) },
)

async function take(world: World, one: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Promise<void> {
  switch (one.is) {
    case 'join':
      await world.join(one.member, one.topics, { serverAssignor: one.assignor })
      return
    case 'beat':
      if (world.epochs.has(one.member)) await world.beat(one.member)
      return
    case 'late': {
      // Its last answer was lost: it is still in the epoch before.
      const epoch = world.epochs.get(one.member)
      if (epoch === undefined) return
      await world.beat(one.member)
      if (world.epochs.has(one.member))
        await world.send(one.member, { memberEpoch: epoch, owned: world.owned.get(one.member) ?? noPartitions })
      return
    }
    case 'leave':
      if (world.epochs.has(one.member)) await world.leave(one.member)
      return
    case 'topic':
      if (one.partitions === 0) world.topics.remove(one.name)
      else world.topics.put(one.name, one.partitions)
      return
    case 'restart':
      return world.restart()
    case 'silence':
      world.clock.advance(sessionTimeoutMs + 1)
      world.epochs.clear()
      world.owned.clear()
  }
}

/** Partitions of deleted topics are nobody's business. */
function livingOwners(world: World): Map<string, string> {
  return new Map([...world.owners()].filter(([place]) => world.topics.byId(place.slice(0, 36)) !== undefined))
}

test('whatever members do, no partition has two owners, epochs only rise, records say it all, and in the end all is shared out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World()
      world.topics.put('a', 4)
      world.topics.put('b', 1)
      let epoch = 0
      for (const one of steps) {
        await take(world, one)
        world.owners()
        expect(world.group.epoch).toBeGreaterThanOrEqual(epoch)
        epoch = world.group.epoch
        expect(world.snapshot().members).toEqual([...world.group.members])
      }
      await world.settle()
      expect(['stable', 'empty']).toContain(world.group.state)
      const subscribed = new Set(world.group.members.flatMap(({ subscribedTopicNames }) => [...subscribedTopicNames]))
      const wanted = world.topics
        .all()
        .flatMap(({ id, name, logs }) =>
          subscribed.has(name) ? Array.from({ length: logs.length }, (_, partition) => `${id}-${partition}`) : [],
        )
      expect(new Set(livingOwners(world).keys())).toEqual(new Set(wanted))
    }),
    { numRuns: 150 },
  )
})

test('a static member that left for a while is waited for no longer than others, also after a restart', async () => {
  const world = new World()
  const instanceId = 'static'
  await world.send('one', { instanceId, rebalanceTimeoutMs, subscribedTopicNames: ['t'], owned: noPartitions })
  await world.send('one', { instanceId, memberEpoch: -2 })
  world.restart()
  expect(world.group.members).toHaveLength(1)
  world.clock.advance(sessionTimeoutMs + 1)
  expect(world.group.members).toEqual([])
})
