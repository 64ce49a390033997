import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../../kafka-wire/index.ts'
import type { Releasers } from '../../platform/index.ts'
import type { BrokerState } from '../requests/handler.ts'
import { ClassicClient, ConsumerClient, groupId, sessionTimeoutMs, type GroupClient, type GroupScene } from '../testing/group-clients.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'
import { openBroker } from '../testing/open-broker.ts'
import { takeTurns } from '../testing/simulation/life.ts'

const partitions = 4
const topicName = 't'

interface Opened {
  readonly broker: BrokerState
  readonly releasers: Releasers
}

/** A broker, and clients of one group, of both protocols. */
class World {
  readonly clock: ManualClock
  readonly clients: GroupClient[] = []
  #disk: MemoryDisk
  #opened: Opened
  readonly #config: Record<string, string>
  #count = 0

  static async open(over: Record<string, string> = {}): Promise<World> {
    const config = { 'group.consumer.session.timeout.ms': String(sessionTimeoutMs), 'offsets.topic.num.partitions': '1', ...over }
    const [disk, clock] = [new MemoryDisk(), new ManualClock()]
    const world = new World(disk, clock, config, await openBroker(disk, clock, config))
    await world.broker.topics.create(topicName, partitions)
    await world.broker.groups.ready()
    return world
  }

  private constructor(disk: MemoryDisk, clock: ManualClock, config: Record<string, string>, opened: Opened) {
    this.#disk = disk
    this.clock = clock
    this.#config = config
    this.#opened = opened
  }

  get broker(): BrokerState {
    return this.#opened.broker
  }

  get #scene(): GroupScene {
    return { groups: this.broker.groups, topic: { name: topicName, id: this.broker.topics.get(topicName)?.id ?? '', partitions } }
  }

  get group() {
    return this.broker.groups.get(groupId)
  }

  add(speaks: 'eager' | 'cooperative' | 'consumer'): GroupClient {
    const scene = (): GroupScene => this.#scene
    const client = speaks === 'consumer' ? new ConsumerClient(scene, `k${this.#count++}`) : new ClassicClient(scene, speaks === 'eager')
    this.clients.push(client)
    return client
  }

  /** Everybody is heard. */
  async round(): Promise<void> {
    for (const client of this.clients) {
      void client.step()
      await takeTurns(3)
    }
    this.clock.advance(1_000)
    await takeTurns(3)
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 30; round++) await this.round()
  }

  /** The power goes: what was not synced is lost, and nobody hears what it was about to answer. */
  async restart(): Promise<void> {
    const left = this.#disk.copy()
    left.cutPower()
    const before = this.#opened
    this.#disk = left
    this.#opened = await openBroker(left, this.clock, this.#config)
    for (const client of this.clients) client.disconnect()
    await before.releasers.close()
  }

  async whileFull(does: () => Promise<void>): Promise<void> {
    this.#disk.roomBytes = 0
    await does()
    this.#disk.roomBytes = Infinity
  }

  /** Who reads each partition; a second reader is a defect. */
  readers(): Map<number, GroupClient> {
    const readers = new Map<number, GroupClient>()
    for (const client of this.clients) {
      for (const partition of client.owned) {
        expect(readers.has(partition), `${partition} has one reader`).toBe(false)
        readers.set(partition, client)
      }
    }
    return readers
  }

  close(): Promise<void> {
    return this.#opened.releasers.close()
  }
}

const which = fc.nat(20)
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constant('start' as const), speaks: fc.constantFrom('classic' as const, 'consumer' as const) }),
  },
  { weight: 6, arbitrary: fc.record({ is: fc.constant('round' as const) }) },
  { weight: 6, arbitrary: fc.record({ is: fc.constant('step' as const), which }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('leave' as const), which }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('vanish' as const), which }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('full' as const) }) },
)

async function take(
  world: World,
  one: typeof step extends fc.Arbitrary<infer Step> ? Step : never,
  classic: 'eager' | 'cooperative',
): Promise<void> {
  const client = 'which' in one ? world.clients[one.which % Math.max(1, world.clients.length)] : undefined
  switch (one.is) {
    case 'start':
      if (world.clients.length < 5) world.add(one.speaks === 'classic' ? classic : 'consumer')
      return
    case 'round':
      return world.round()
    case 'step':
      void client?.step()
      return takeTurns(3)
    case 'leave':
    case 'vanish':
      if (!client) return
      world.clients.splice(world.clients.indexOf(client), 1)
      return one.is === 'leave' ? client.leave() : undefined
    case 'restart':
      return world.restart()
    case 'full':
      return world.whileFull(() => world.round())
  }
}

test.each(['eager', 'cooperative'] as const)(
  'whatever members of both protocols do (%s), no partition has two readers, and in the end all are read, in a group of the right kind',
  { timeout: 120_000 },
  async (classic) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.array(step, { minLength: 10, maxLength: 50 }), async (before, steps) => {
        const world = await World.open()
        try {
          for (let i = 0; i < before; i++) world.add(classic)
          await world.settle()
          for (const one of steps) {
            await take(world, one, classic)
            world.readers()
          }
          if (world.clients.length === 0) return
          await world.settle()
          expect(new Set(world.readers().keys())).toEqual(new Set([0, 1, 2, 3]))
          expect(world.group?.kind).toBe(world.clients.some(({ speaks }) => speaks === 'consumer') ? 'consumer' : 'classic')
          expect(world.group?.state).toBe('stable')
        } finally {
          await world.close()
        }
      }),
      { numRuns: 300 },
    )
  },
)

async function withWorld(config: Record<string, string>, does: (world: World) => Promise<void>): Promise<void> {
  const world = await World.open(config)
  try {
    await does(world)
  } finally {
    await world.close()
  }
}

const kinds = (world: World): unknown => ({ kind: world.group?.kind, read: world.clients.map(({ owned }) => owned.size) })

test('what a cooperative member has not been told to give up is not free, though the leader took it from it just before the change', () =>
  withWorld({}, async (world) => {
    const leader = world.add('cooperative')
    const other = world.add('cooperative')
    await world.settle()
    const third = world.add('cooperative')
    for (const client of [third, third, leader, leader, other, other, leader]) {
      void client.step()
      await takeTurns(3)
    }
    // All have joined, and the leader has assigned; the others have not asked yet what.
    expect(world.group?.state).toBe('stable')
    const newer = world.add('consumer')
    for (let i = 0; i < 3; i++) {
      await newer.step()
      world.readers()
    }
    await world.settle()
    expect(kinds(world)).toEqual({ kind: 'consumer', read: [1, 1, 1, 1] })
  }))

describe('group.consumer.migration.policy', () => {
  const policy = (value: string) => ({ 'group.consumer.migration.policy': value })

  test.each(['disabled', 'downgrade'])('%s leaves a classic group with members what it is', (value) =>
    withWorld(policy(value), async (world) => {
      world.add('eager')
      await world.settle()
      world.add('consumer')
      await world.settle()
      expect(kinds(world)).toEqual({ kind: 'classic', read: [4, 0] })
    }),
  )

  test.each(['disabled', 'UPGRADE'])('%s leaves a consumer group what it is when only classic members are left', (value) =>
    withWorld(policy(value), async (world) => {
      const first = world.add('consumer')
      await world.settle()
      world.add('eager')
      await world.settle()
      expect(kinds(world)).toEqual({ kind: 'consumer', read: [2, 2] })
      world.clients.shift()
      await first.leave()
      await world.settle()
      expect(kinds(world)).toEqual({ kind: 'consumer', read: [4] })
    }),
  )

  test('upgrade lets a classic group become a consumer group, and downgrade the other way', async () => {
    await withWorld(policy('upgrade'), async (world) => {
      world.add('eager')
      await world.settle()
      world.add('consumer')
      await world.settle()
      expect(kinds(world)).toEqual({ kind: 'consumer', read: [2, 2] })
    })
    await withWorld(policy('downgrade'), async (world) => {
      const first = world.add('consumer')
      world.add('eager')
      await world.settle()
      world.clients.shift()
      await first.leave()
      await world.settle()
      expect(kinds(world)).toEqual({ kind: 'classic', read: [4] })
    })
  })
})

describe('a classic member of a consumer group', () => {
  /** With one of each protocol, two partitions each; `heard` is what the classic one is told in ten seconds of heartbeats alone. */
  async function pair(world: World): Promise<{ memberId: string; heard: () => Promise<Set<number>> }> {
    const lazy = world.add('cooperative')
    world.add('consumer')
    await world.settle()
    expect(kinds(world)).toEqual({ kind: 'consumer', read: [2, 2] })
    world.clients.splice(world.clients.indexOf(lazy), 1)
    const { group } = world
    const member = group?.kind === 'consumer' ? group.members.find(({ classicMemberMetadata }) => classicMemberMetadata) : undefined
    const heard = new Set<number>()
    return {
      memberId: member?.id ?? '',
      heard: async () => {
        for (let waitedMs = 0; waitedMs <= sessionTimeoutMs; waitedMs += 1_000) {
          heard.add(world.broker.groups.heartbeat(groupId, member?.id ?? '', null, member?.epoch ?? -1))
          await world.round()
        }
        heard.add(world.broker.groups.heartbeat(groupId, member?.id ?? '', null, member?.epoch ?? -1))
        return heard
      },
    }
  }

  test('is put out when it is told to join again and does not, though it shows itself', () =>
    withWorld({}, async (world) => {
      const { heard } = await pair(world)
      world.add('consumer')
      expect([...(await heard())]).toEqual([errorCodes.NONE, errorCodes.REBALANCE_IN_PROGRESS, errorCodes.UNKNOWN_MEMBER_ID])
      await world.settle()
      expect(kinds(world)).toEqual({ kind: 'consumer', read: [2, 2] })
    }))

  test('is put out when it has joined and does not ask for its assignment', () =>
    withWorld({}, async (world) => {
      const { memberId, heard } = await pair(world)
      const { group } = world
      const known = group?.kind === 'consumer' ? group.members.find(({ id }) => id === memberId)?.classicMemberMetadata : null
      const input = {
        memberId,
        instanceId: null,
        clientId: 'c',
        clientHost: '/127.0.0.1',
        sessionTimeoutMs,
        rebalanceTimeoutMs: sessionTimeoutMs,
      }
      const protocols = known?.supportedProtocols ?? []
      const joined = await world.broker.groups.join(groupId, {
        ...input,
        protocolType: 'consumer',
        protocols,
        needsMemberId: true,
        canSkipAssignment: true,
      })
      expect(joined).toMatchObject({ errorCode: errorCodes.NONE, leader: '', members: [] })
      expect([...(await heard())]).toEqual([errorCodes.NONE, errorCodes.UNKNOWN_MEMBER_ID])
    }))
})

describe('a change that cannot be written', () => {
  test('is none after a restart: the classic group is there, and can change later', () =>
    withWorld({}, async (world) => {
      world.add('cooperative')
      await world.settle()
      const late = world.add('consumer')
      await world.whileFull(() => late.step())
      expect(kinds(world)).toEqual({ kind: 'consumer', read: [4, 0] })
      await world.restart()
      expect(kinds(world)).toEqual({ kind: 'classic', read: [4, 0] })
      await world.settle()
      expect(kinds(world)).toEqual({ kind: 'consumer', read: [2, 2] })
    }))

  test('goes with what is written next of the group, its deletion too', () =>
    withWorld({}, async (world) => {
      const first = world.add('cooperative')
      const last = world.add('consumer')
      await world.settle()
      await world.whileFull(() => last.leave())
      await world.whileFull(() => first.leave())
      world.clients.splice(0)
      await takeTurns()
      expect(world.group).toMatchObject({ kind: 'classic', state: 'empty' })
      expect(await world.broker.groups.delete(groupId)).toBe(errorCodes.NONE)
      await world.restart()
      expect(world.group).toBeUndefined()
    }))
})
