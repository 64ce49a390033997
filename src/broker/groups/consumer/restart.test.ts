import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  addOffsetsToTxn,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  createTopics,
  deleteGroups,
  endTxn,
  errorCodes,
  initProducerId,
  listGroups,
  offsetCommit,
  offsetFetch,
  txnOffsetCommit,
} from '../../../kafka-wire/index.ts'
import { childExecArgv, siblingPath } from '../../../platform/index.ts'
import { connectTo, type Asking } from '../../testing/ask.ts'

let dataDir = ''
let child: ChildProcess
let client: Asking

/** Starts the broker in a process of its own, in place of the one that runs, which is killed. */
async function startOver(): Promise<void> {
  if (child?.exitCode === null && child.signalCode === null) {
    client[Symbol.dispose]()
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const args = [...childExecArgv, siblingPath(import.meta.url, '../../testing/killable-broker'), dataDir]
  child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  client = await connectTo(line.toString().split(' ')[0] ?? '')
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'))
  await startOver()
  const topic = { name: 't', numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] }
  await client.ask(createTopics, 7, { topics: [topic], timeoutMs: 5_000, validateOnly: false })
})
afterEach(() => {
  client[Symbol.dispose]()
  child.kill('SIGKILL')
  rmSync(dataDir, { recursive: true, force: true })
})

const beat = (memberId: string, memberEpoch: number, over: object = {}) =>
  client.ask(consumerGroupHeartbeat, 1, { groupId: 'g', memberId, memberEpoch, ...over })
const joining = { rebalanceTimeoutMs: 10_000, subscribedTopicRegex: 't|u', topicPartitions: [] }
const described = async () => (await client.ask(consumerGroupDescribe, 1, { groupIds: ['g'], includeAuthorizedOperations: false })).groups

const commit = (memberEpoch: number) =>
  client.ask(offsetCommit, 9, {
    groupId: 'g',
    generationIdOrMemberEpoch: memberEpoch,
    memberId: 'one',
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 5n, committedLeaderEpoch: -1, committedMetadata: '' }] }],
  })
const committed = async (): Promise<bigint | undefined> => {
  const topics = [{ name: 't', partitionIndexes: [0] }]
  const { groups } = await client.ask(offsetFetch, 8, { groups: [{ groupId: 'g', topics }], requireStable: true })
  return groups[0]?.topics[0]?.partitions[0]?.committedOffset
}

test('a consumer group is as it was after kill -9: members, epochs, who gives what to whom', async () => {
  await beat('one', 0, joining)
  await beat('two', 0, joining)
  expect((await beat('one', 2)).assignment?.topicPartitions[0]?.partitions).toEqual([0, 1])
  await commit(2)
  const before = await described()
  expect(before).toMatchObject([{ groupState: 'Reconciling', groupEpoch: 3, members: [{ memberId: 'one' }, { memberId: 'two' }] }])
  await startOver()
  expect(await described()).toEqual(before)
  expect(await committed()).toBe(5n)
  expect((await beat('two', 3)).assignment).toBeNull()
  expect((await beat('one', 2, { topicPartitions: [] })).memberEpoch).toBe(3)
  expect((await beat('two', 3)).assignment?.topicPartitions[0]?.partitions).toEqual([2, 3])
})

test('a deleted group takes along what an open transaction committed to it, after kill -9 too', async () => {
  await beat('one', 0, joining)
  await commit(2)
  await beat('one', -1)
  const { producerId, producerEpoch } = await client.ask(initProducerId, 4, { transactionalId: 'x', transactionTimeoutMs: 60_000 })
  const producer = { transactionalId: 'x', producerId, producerEpoch }
  await client.ask(addOffsetsToTxn, 3, { ...producer, groupId: 'g' })
  const partitions = [{ partitionIndex: 0, committedOffset: 7n, committedLeaderEpoch: -1, committedMetadata: '' }]
  await client.ask(txnOffsetCommit, 3, { ...producer, groupId: 'g', topics: [{ name: 't', partitions }] })
  const deleted = await client.ask(deleteGroups, 2, { groupsNames: ['g'] })
  expect(deleted.results).toEqual([{ groupId: 'g', errorCode: errorCodes.NONE }])
  await startOver()
  await client.ask(endTxn, 3, { ...producer, committed: true })
  expect(await committed()).toBe(-1n)
  expect((await client.ask(listGroups, 5, { statesFilter: [], typesFilter: [] })).groups).toEqual([])
})
