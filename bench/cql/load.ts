import { createHash } from 'node:crypto'
import driver from 'cassandra-driver'
import { connectCassandra } from '../../src/cql-client/index.ts'
import { opcodes } from '../../src/cql-wire/index.ts'
import { LeanClient, plain, rowsOf, type Answer } from './lean-client.ts'

/** The reference job's row: a uuid and eleven texts, about 440 bytes. */
export const names = 'id first_name last_name gender address post_code email username dob registered_date phone picture'.split(' ')
export const keyspace = 'millrace_bench'
export const table = `${keyspace}.users`

function uuidOf(i: number): string {
  const hex = createHash('md5').update(String(i)).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

function rowOf(i: number): string[] {
  return [
    uuidOf(i),
    'Firstname',
    `Lastname${i}`,
    'female',
    `${i} Some Long Street Name, Somecity, Somestate, Somecountry, and a few words more`,
    String(10_000 + (i % 90_000)),
    `first.last${i}@example.com`,
    `username${i}`,
    '1990-01-01T00:00:00.000Z',
    '2020-02-02T00:00:00.000Z',
    `(555) 555-${i}`,
    `https://randomuser.me/api/portraits/women/${i % 100}.jpg`,
  ]
}

function cellsOf(i: number): Uint8Array[] {
  return rowOf(i).map((text, column) => (column === 0 ? Buffer.from(text.replaceAll('-', ''), 'hex') : Buffer.from(text)))
}

export async function createTable(contactPoint: string): Promise<void> {
  await using session = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: 'datacenter1' })
  const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
  await session.changeSchema(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${replication}`)
  await session.changeSchema(`CREATE TABLE IF NOT EXISTS ${table} (id uuid PRIMARY KEY, ${names.slice(1).join(' text, ')} text)`)
}

/** Rows `from` to `to` by cql-client. */
export async function insertByClient(contactPoint: string, from: number, to: number): Promise<void> {
  await using session = await connectCassandra({ contactPoints: [contactPoint], localDataCenter: 'datacenter1' })
  const columns = names.map((name) => ({ name, type: { is: name === 'id' ? 'uuid' : 'text' } }) as const)
  await using writer = await session.writer({ keyspace, table: 'users', columns })
  const { signal } = new AbortController()
  let next = from
  const writeOn = async (): Promise<void> => {
    while (next < to) {
      const start = next
      next = Math.min(to, start + 2000)
      const rows = Array.from({ length: next - start }, (_, i) => rowOf(start + i))
      const micros = BigInt64Array.from(rows, (_, i) => BigInt(Date.now()) * 1000n + BigInt(i))
      const result = await writer.write(rows, micros, signal)
      if (result.is !== 'done' || result.outcomes.some(({ is }) => is !== 'written')) throw new Error('not all rows were written')
    }
  }
  await Promise.all([writeOn(), writeOn()])
}

async function withDriver(contactPoint: string, use: (client: driver.Client) => Promise<void>): Promise<void> {
  const client = new driver.Client({
    contactPoints: [contactPoint],
    localDataCenter: 'datacenter1',
    keyspace,
    pooling: { coreConnectionsPerHost: { [driver.types.distance.local]: 2 } },
  })
  await client.connect()
  await use(client)
  await client.shutdown()
}

/** `inFlight` loops take numbers from `from` to `to`. */
async function loops(from: number, to: number, inFlight: number, each: (i: number) => Promise<void>): Promise<void> {
  let next = from
  const loop = async (): Promise<void> => {
    while (next < to) await each(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
}

/** As cassandra-driver does it: prepared, 512 in flight, two connections. */
export async function insertByDriver(contactPoint: string, from: number, to: number): Promise<void> {
  await withDriver(contactPoint, async (client) => {
    const insert = `INSERT INTO users (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
    await loops(from, to, 512, async (i) => {
      await client.execute(insert, rowOf(i), { prepare: true })
    })
  })
}

export async function readByDriver(contactPoint: string, count: number, rows: number): Promise<void> {
  await withDriver(contactPoint, async (client) => {
    await loops(0, count, 512, async (i) => {
      const { rowLength } = await client.execute('SELECT * FROM users WHERE id = ?', [uuidOf(spread(i, rows))], { prepare: true })
      if (rowLength !== 1) throw new Error('a row is missing')
    })
  })
}

/** Another row each time, far from the last. */
function spread(i: number, rows: number): number {
  return (i * 7919) % rows
}

/** Milliseconds that each request took, `inFlight` of them at a time over one socket. */
async function timed(client: LeanClient, count: number, inFlight: number, ask: (i: number, answered: (answer: Answer) => void) => void) {
  const took = new Float64Array(count)
  const ended = Promise.withResolvers<void>()
  let next = 0
  let open = count
  const start = (): void => {
    if (next >= count) return
    const i = next++
    const startedMs = performance.now()
    ask(i, () => {
      took[i] = performance.now() - startedMs
      if (--open === 0) ended.resolve()
      else start()
    })
  }
  for (let i = 0; i < inFlight; i++) start()
  await ended.promise
  client.close()
  return took.sort()
}

export async function readLean(contactPoint: string, count: number, rows: number, inFlight: number): Promise<Float64Array> {
  const client = await LeanClient.connect(contactPoint)
  const preparedId = await client.prepare(`SELECT * FROM ${table} WHERE id = ?`)
  return timed(client, count, inFlight, (i, answered) => {
    const [id] = cellsOf(spread(i, rows))
    client.send({ opcode: 'EXECUTE', preparedId, parameters: { ...plain, values: id ? [id] : [] } }, (answer) => {
      if (rowsOf(answer).rows !== 1) throw new Error('a row is missing')
      answered(answer)
    })
  })
}

export async function insertLean(contactPoint: string, from: number, count: number, inFlight: number): Promise<Float64Array> {
  const client = await LeanClient.connect(contactPoint)
  const preparedId = await client.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`)
  return timed(client, count, inFlight, (i, answered) => {
    client.send({ opcode: 'EXECUTE', preparedId, parameters: { ...plain, values: cellsOf(from + i) } }, (answer) => {
      if (answer.opcode !== opcodes.RESULT) throw new Error('a row was not written')
      answered(answer)
    })
  })
}

/** The whole table, a page after another. @returns rows */
export async function scanLean(contactPoint: string, pageSize = 5000): Promise<number> {
  const client = await LeanClient.connect(contactPoint)
  const preparedId = await client.prepare(`SELECT * FROM ${table}`)
  let rows = 0
  let pagingState: Buffer | null = null
  do {
    const parameters = { ...plain, pageSize, pagingState }
    const page: ReturnType<typeof rowsOf> = rowsOf(
      await new Promise((resolve) => client.send({ opcode: 'EXECUTE', preparedId, parameters }, resolve)),
    )
    rows += page.rows
    pagingState = page.pagingState
  } while (pagingState)
  client.close()
  return rows
}
