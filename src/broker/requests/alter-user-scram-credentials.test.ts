import { expect, it } from 'vitest'
import { alterUserScramCredentials, describeUserScramCredentials, errorCodes } from '../../kafka-wire/index.ts'
import { startBroker } from '../index.ts'
import { connectTo } from '../testing/ask.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MemoryDisk } from '../testing/memory-disk.ts'

it('a full disk is an answer, and the user is as before; once there is room the same request is carried out', async () => {
  const disk = new MemoryDisk()
  await using broker = await startBroker({ dataDir: '/data', disk, clock: new ManualClock(), listeners: [{ host: '127.0.0.1', port: 0 }] })
  using client = await connectTo(broker.address)
  const upsertions = [{ name: 'ada', mechanism: 1, iterations: 4096, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 'p') }]
  const alter = async (): Promise<number | undefined> =>
    (await client.ask(alterUserScramCredentials, 0, { deletions: [], upsertions })).results[0]?.errorCode
  const users = async (): Promise<string[]> =>
    (await client.ask(describeUserScramCredentials, 0, { users: null })).results.map(({ user }) => user)
  disk.roomBytes = 0
  expect(await alter()).toBe(errorCodes.KAFKA_STORAGE_ERROR)
  expect(await users()).toEqual([])
  disk.roomBytes = Infinity
  expect(await alter()).toBe(errorCodes.NONE)
  expect(await users()).toEqual(['ada'])
})
