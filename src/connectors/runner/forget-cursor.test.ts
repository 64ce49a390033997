import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from '../../broker/index.ts'
import { names } from '../../core/index.ts'
import { connectKafka, type KafkaClient } from '../../kafka-client/index.ts'
import { Releasers, systemClock } from '../../platform/index.ts'
import { forgetCursor, sourceCursors } from './forget-cursor.ts'
import { PageWriter } from './page-writer.ts'

const parts = new Releasers()
let kafka: KafkaClient
const { signal } = new AbortController()
const nobody = (): Promise<null> => Promise.resolve(null)
const forget = (source: string, liveRun: Parameters<typeof forgetCursor>[0]['liveRun'] = nobody) =>
  forgetCursor({ kafka, project: 'demo', source, liveRun, signal })
const cursors = () => sourceCursors({ kafka, project: 'demo', signal })
const writer = (source: string, runId: string): Promise<PageWriter> =>
  PageWriter.open({
    kafka,
    project: 'demo',
    source,
    run: { dagId: 'users', runId, attempt: 1 },
    clock: systemClock,
    signal,
    log: () => undefined,
  })

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-cursors-'))
  parts.add('data', () => rmSync(dataDir, { recursive: true }))
  const broker = await startBroker({ dataDir, listeners: [{ host: '127.0.0.1', port: 0 }] })
  parts.add('broker', () => broker.close())
  kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'cursors-test' })
  parts.add('kafka', () => kafka.close())
})
afterAll(() => parts.close())

test('without a cursor there is nothing to forget, and the sources that have one are named', async () => {
  expect(await cursors()).toEqual([])
  await expect(forget('users')).rejects.toThrow(/"users" has no cursor.*Sources with one: none/)
  await kafka.admin.createTopics([{ name: names.cursors('demo'), partitions: 1 }])
  const page = await writer('orders', 'r1')
  await page.write([], { page: 2 }, 10)
  await page.close()
  await expect(forget('users')).rejects.toThrow(/Sources with one: orders/)
})

test('the cursor is told and forgotten, and a run that is still at work cannot write it again', async () => {
  const zombie = await writer('users', 'zombie')
  await zombie.write([], { page: 7 }, 60)
  expect((await cursors()).map(({ source }) => source)).toEqual(['orders', 'users'])
  const live: Parameters<typeof forget>[1] = ({ dag, run }) => Promise.resolve(dag === 'users' && run === 'zombie' ? 'run zombie' : null)
  await expect(forget('users', live)).rejects.toMatchObject({ code: 'IN_USE', message: expect.stringContaining('run zombie') })
  expect(await forget('users')).toMatchObject({ source: 'users', cursor: { page: 7 }, run: 'zombie', attempt: 1, fetched: 60 })
  expect((await cursors()).map(({ source }) => source)).toEqual(['orders'])
  await expect(zombie.write([], { page: 8 }, 10)).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  expect((await cursors()).map(({ source }) => source)).toEqual(['orders'])
  const next = await writer('users', 'next')
  expect(next.cursor).toBeNull()
  await next.close()
})

test('while a page is being written it is refused; a cursor that cannot be read is forgotten all the same', async () => {
  await using open = kafka.transactionalProducer({ transactionalId: names.transactionalId('demo', 'source', 'orders', '0') })
  await open.begin()
  await open.send([{ topic: names.cursors('demo'), key: 'orders', value: 'no cursor' }])
  await expect(forget('orders')).rejects.toMatchObject({ code: 'IN_USE', message: expect.stringContaining('is being written') })
  await open.commit()
  expect(await forget('orders')).toMatchObject({ source: 'orders', cursor: null, run: '' })
  expect(await cursors()).toEqual([])
})
