import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { errors, type Response } from '../../cql-wire/index.ts'
import { silentLogger, type Logger } from '../../platform/index.ts'
import { Outbox } from './outbox.ts'
import { RawClient } from './raw-client.fixture.ts'

/** The protocol has no names of more than 65,535 bytes. */
const name = 'n'.repeat(70_000)
const unwritable: Response = {
  opcode: 'RESULT',
  kind: 'rows',
  columns: [{ keyspace: 'k', table: 't', name, type: { is: 'int' } }],
  rows: [],
  pagingState: null,
  noMetadata: false,
}

it('an answer that cannot be written is an error to its request: those before and after it arrive', async () => {
  const told: string[] = []
  const log: Logger = { ...silentLogger, error: (message) => void told.push(message) }
  const server = createServer((socket) => {
    const outbox = new Outbox(socket, log)
    outbox.respond(4, 1, { opcode: 'READY' })
    outbox.respond(4, 2, unwritable)
    outbox.respond(4, -1, { opcode: 'EVENT', event: 'SCHEMA_CHANGE', change: 'CREATED', target: 'KEYSPACE', keyspace: name, name: null })
    outbox.respond(4, 3, { opcode: 'RESULT', kind: 'void' })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  {
    using client = await RawClient.open(port)
    const answers = [await client.next(), await client.next(), await client.next()]
    expect(answers.map(({ header }) => header.stream)).toEqual([1, 2, 3])
    expect(answers.map(({ response }) => response)).toMatchObject([
      { opcode: 'READY' },
      { opcode: 'ERROR', code: errors.SERVER_ERROR, message: expect.stringContaining('The answer cannot be sent') },
      { opcode: 'RESULT', kind: 'void' },
    ])
    expect(told).toHaveLength(2)
  }
  await new Promise((resolve) => server.close(resolve))
})
