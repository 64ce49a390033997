import { beforeEach, describe, expect, it } from 'vitest'
import { errorCodes } from '../../kafka-wire/index.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { Group } from './group.ts'
import type { JoinInput, JoinOutcome } from './member.ts'

let clock = new ManualClock()
let persisted = 0
let persistOk = true

function newGroup(initialDelayMs = 0): Group {
  return new Group('g', {
    clock,
    initialDelayMs,
    maxMembers: 10,
    persist: () => {
      persisted++
      return Promise.resolve(persistOk)
    },
  })
}

function input(over: Partial<JoinInput> = {}): JoinInput {
  return {
    memberId: '',
    instanceId: null,
    clientId: 'c',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }],
    needsMemberId: false,
    canSkipAssignment: false,
    ...over,
  }
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

/** The leader's SyncGroup, with an assignment named after each member. */
async function assign(group: Group, leader: JoinOutcome): Promise<void> {
  const assignments = leader.members.map(({ memberId }) => ({ memberId, assignment: bytes(`for ${memberId}`) }))
  const synced = await group.sync({ ...of(leader), protocolType: null, protocolName: null, assignments })
  expect(synced).toMatchObject({ errorCode: errorCodes.NONE, assignment: bytes(`for ${leader.memberId}`) })
}

function of(joined: JoinOutcome): { memberId: string; instanceId: null; generationId: number } {
  return { memberId: joined.memberId, instanceId: null, generationId: joined.generationId }
}

beforeEach(() => {
  clock = new ManualClock()
  persisted = 0
  persistOk = true
})

describe('a classic group', () => {
  it('gives the longest client id a member id that can be written', async () => {
    const joined = await newGroup().join(input({ clientId: 'ü'.repeat(0x3fff), needsMemberId: true }))
    expect(Buffer.byteLength(joined.memberId)).toBeLessThanOrEqual(0x7fff)
  })

  it('tells a new member its id first (KIP-394), then makes it the leader of generation 1', async () => {
    const group = newGroup()
    const first = await group.join(input({ needsMemberId: true }))
    expect(first).toMatchObject({ errorCode: errorCodes.MEMBER_ID_REQUIRED, memberId: expect.stringMatching(/^c-.+/) })
    const joined = await group.join(input({ memberId: first.memberId, needsMemberId: true }))
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, protocolName: 'range' })
    await assign(group, joined)
    expect([group.state, persisted]).toEqual(['stable', 1])
  })

  it('lets two members that join at once into one generation, and only the leader sees both', async () => {
    const group = newGroup(100)
    const a = group.join(input())
    const b = group.join(input())
    clock.advance(100)
    const [one, two] = await Promise.all([a, b])
    expect([one.generationId, two.generationId, one.members.length, two.members.length]).toEqual([1, 1, 2, 0])
    const waiting = group.sync({ ...of(two), protocolType: null, protocolName: null, assignments: [] })
    await assign(group, one)
    expect(await waiting).toMatchObject({ errorCode: 0, assignment: bytes(`for ${two.memberId}`) })
  })

  it('tells members of a rebalance by heartbeat and commit, and drops who does not join again in time', async () => {
    const group = newGroup()
    const one = await group.join(input({ sessionTimeoutMs: 100_000 }))
    await assign(group, one)
    expect(group.heartbeat(one.memberId, null, 1)).toBe(errorCodes.NONE)
    const second = group.join(input())
    expect(group.heartbeat(one.memberId, null, 1)).toBe(errorCodes.REBALANCE_IN_PROGRESS)
    expect(group.mayCommit(one.memberId, null, 1, false)).toBe(errorCodes.NONE)
    clock.advance(30_000)
    expect(await second).toMatchObject({ errorCode: 0, generationId: 2 })
    expect(group.heartbeat(one.memberId, null, 1)).toBe(errorCodes.UNKNOWN_MEMBER_ID)
    expect(group.mayCommit((await second).memberId, null, 1, false)).toBe(errorCodes.ILLEGAL_GENERATION)
    expect(group.mayCommit((await second).memberId, null, 2, false)).toBe(errorCodes.REBALANCE_IN_PROGRESS)
  })

  it('removes a member whose session is over, but never one that waits for an answer', async () => {
    const group = newGroup()
    const one = await group.join(input())
    await assign(group, one)
    clock.advance(9_000)
    group.heartbeat(one.memberId, null, 1)
    clock.advance(9_000)
    expect(group.state).toBe('stable')
    const second = group.join(input({ rebalanceTimeoutMs: 60_000 }))
    clock.advance(1_001)
    expect(await second).toMatchObject({ generationId: 2, members: [{}] })
    clock.advance(60_000)
    expect([group.state, group.members.length]).toEqual(['empty', 0])
  })

  it('drops who never syncs, and a leader that fails to be written starts over', async () => {
    const group = newGroup()
    const one = await group.join(input())
    persistOk = false
    expect(await group.sync({ ...of(one), protocolType: null, protocolName: null, assignments: [] })).toMatchObject({
      errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE,
    })
    expect(group.state).toBe('preparing')
  })

  it('chooses the protocol most members prefer among those all know', async () => {
    const group = newGroup(100)
    const protocols = (...names: string[]) => names.map((name) => ({ name, metadata: bytes(name) }))
    const joins = [
      group.join(input({ protocols: protocols('range', 'sticky') })),
      group.join(input({ protocols: protocols('sticky', 'range') })),
      group.join(input({ protocols: protocols('only', 'sticky', 'range') })),
    ]
    expect(await group.join(input({ protocols: protocols('other') }))).toMatchObject({ errorCode: errorCodes.INCONSISTENT_GROUP_PROTOCOL })
    clock.advance(100)
    expect((await Promise.all(joins.map((join) => Promise.resolve(join)))).map(({ protocolName }) => protocolName)).toEqual([
      'sticky',
      'sticky',
      'sticky',
    ])
  })

  it('lets a static member come back under a new id without a rebalance, and fences the old id (KIP-345)', async () => {
    const group = newGroup()
    const one = await group.join(input({ instanceId: 'i' }))
    await group.sync({
      memberId: one.memberId,
      instanceId: 'i',
      generationId: 1,
      protocolType: null,
      protocolName: null,
      assignments: [{ memberId: one.memberId, assignment: bytes('mine') }],
    })
    const again = await group.join(input({ instanceId: 'i', canSkipAssignment: true }))
    expect(again).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true })
    expect(again.memberId).not.toBe(one.memberId)
    expect(group.heartbeat(one.memberId, 'i', 1)).toBe(errorCodes.FENCED_INSTANCE_ID)
    expect(
      await group.sync({
        memberId: again.memberId,
        instanceId: 'i',
        generationId: 1,
        protocolType: null,
        protocolName: null,
        assignments: [],
      }),
    ).toMatchObject({ assignment: bytes('mine') })
  })

  it('rebalances when a member leaves, and is empty after the last one', async () => {
    const group = newGroup(100)
    const joins = [group.join(input()), group.join(input())]
    clock.advance(100)
    const [one, two] = await Promise.all(joins.map((join) => Promise.resolve(join)))
    if (!one || !two) throw new Error('both joined')
    await assign(group, one)
    expect(group.leave(two.memberId, null)).toBe(errorCodes.NONE)
    expect(group.state).toBe('preparing')
    expect(group.leave(one.memberId, null)).toBe(errorCodes.NONE)
    expect([group.state, group.leave('nobody', null)]).toEqual(['empty', errorCodes.UNKNOWN_MEMBER_ID])
    expect(group.mayCommit('', null, -1, false)).toBe(errorCodes.NONE)
  })

  it('is the same after a restart: generation, leader, assignments', async () => {
    const group = newGroup()
    const one = await group.join(input())
    await assign(group, one)
    const again = newGroup()
    again.restore(group.snapshot())
    expect(again.snapshot()).toEqual(group.snapshot())
    expect(again.heartbeat(one.memberId, null, 1)).toBe(errorCodes.NONE)
    clock.advance(10_000)
    expect(again.state).toBe('empty')
  })
})
