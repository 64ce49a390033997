import { expect, test } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { reused } from './reused.ts'

/** Connections that count, and say when they are closed. */
class Connections {
  readonly made: { isClosed: boolean; close(): Promise<void> }[] = []
  fails = false
  readonly connection = reused(async () => {
    if (this.fails) throw new MillraceError('UNREACHABLE', 'nobody listens')
    const made = {
      isClosed: false,
      close: async (): Promise<void> => {
        made.isClosed = true
      },
    }
    this.made.push(made)
    return made
  })

  failWith(error: MillraceError): Promise<void> {
    return this.connection.use(() => Promise.reject(error))
  }

  get closed(): boolean[] {
    return this.made.map(({ isClosed }) => isClosed)
  }
}

test.each([
  new MillraceError('KAFKA_RETRIABLE', 'the broker answered NOT_LEADER_OR_FOLLOWER'),
  new MillraceError('TIMED_OUT', 'the broker did not answer Fetch within 5000 ms'),
  new MillraceError('NOT_FOUND', 'no such topic'),
])('an error of the request leaves the connection as it is: $message', async (error) => {
  const connections = new Connections()
  await expect(connections.failWith(error)).rejects.toBe(error)
  await connections.connection.use(async () => undefined)
  expect(connections.closed).toEqual([false])
})

test('a connection that was lost is made again, and the old one closed once the others have done with it', async () => {
  const connections = new Connections()
  const other = Promise.withResolvers<string>()
  const working = connections.connection.use(() => other.promise)
  await expect(connections.failWith(new MillraceError('UNREACHABLE', 'gone'))).rejects.toMatchObject({ code: 'UNREACHABLE' })
  await connections.connection.use(async () => undefined)
  expect(connections.closed).toEqual([false, false])
  other.resolve('done')
  expect(await working).toBe('done')
  expect(connections.closed).toEqual([true, false])
})

test('who fails late on the old connection does not cost the new one', async () => {
  const connections = new Connections()
  const late = Promise.withResolvers<never>()
  const working = connections.connection.use(() => late.promise)
  await expect(connections.failWith(new MillraceError('CLOSED', 'closed'))).rejects.toMatchObject({ code: 'CLOSED' })
  await connections.connection.use(async () => undefined)
  late.reject(new MillraceError('UNREACHABLE', 'gone'))
  await expect(working).rejects.toMatchObject({ code: 'UNREACHABLE' })
  await connections.connection.use(async () => undefined)
  expect(connections.closed).toEqual([true, false])
})

test('what cannot be connected is tried again at the next use', async () => {
  const connections = new Connections()
  connections.fails = true
  await expect(connections.connection.use(async () => 1)).rejects.toMatchObject({ code: 'UNREACHABLE' })
  connections.fails = false
  expect(await connections.connection.use(async () => 1)).toBe(1)
  await connections.connection.close()
  expect(connections.closed).toEqual([true])
})
