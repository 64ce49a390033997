/**
 * Writes the reference job's 12-column rows with cql-client and with cassandra-driver (prepared, 512 in flight, 2 connections), by turns.
 * Usage: node bench/cql-writer.ts <host:port of a Cassandra> [rows] [rounds]. Creates and drops keyspace `millrace_bench`.
 */
import { randomUUID } from 'node:crypto'
import driver from 'cassandra-driver'
import { connectCassandra, type CassandraSession } from '../src/cql-client/index.ts'

const [address = '127.0.0.1:9042', rowsText = '100000', roundsText = '3'] = process.argv.slice(2)
const count = Number(rowsText)
const names = 'id first_name last_name gender address post_code email username dob registered_date phone picture'.split(' ')
const rows = Array.from({ length: count }, (_, i) => [
  randomUUID(),
  'Firstname',
  `Lastname${i}`,
  'female',
  `${i} Some Street, Somecity, Somestate, Somecountry`,
  String(10_000 + (i % 90_000)),
  `first.last${i}@example.com`,
  `username${i}`,
  '1990-01-01T00:00:00.000Z',
  '2020-02-02T00:00:00.000Z',
  `(555) 555-${i}`,
  `https://randomuser.me/api/portraits/women/${i % 100}.jpg`,
])
const micros = BigInt64Array.from(rows, (_, i) => 1_700_000_000_000_000n + BigInt(i))

async function measure(name: string, run: () => Promise<void>): Promise<void> {
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  await run()
  const seconds = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpuPer100k = ((user + system) / 1e6 / count) * 100_000
  process.stdout.write(`${name}: ${Math.round(count / seconds)} rows/s, client ${cpuPer100k.toFixed(2)} CPU s per 100,000\n`)
}

async function withClient(session: CassandraSession): Promise<void> {
  const columns = names.map((name) => ({ name, type: { is: name === 'id' ? 'uuid' : 'text' } }) as const)
  await using writer = await session.writer({ keyspace: 'millrace_bench', table: 'users', columns })
  const { signal } = new AbortController()
  let next = 0
  const writeOn = async (): Promise<void> => {
    while (next < count) {
      const start = next
      next = Math.min(count, start + 2000)
      const result = await writer.write(rows.slice(start, next), micros.slice(start, next), signal)
      if (result.is !== 'done' || result.outcomes.some(({ is }) => is !== 'written')) throw new Error('not all rows were written')
    }
  }
  await Promise.all([writeOn(), writeOn()])
}

async function withDriver(): Promise<void> {
  const client = new driver.Client({
    contactPoints: [address],
    localDataCenter: 'datacenter1',
    keyspace: 'millrace_bench',
    pooling: { coreConnectionsPerHost: { [driver.types.distance.local]: 2 } },
  })
  await client.connect()
  const insert = `INSERT INTO users (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) USING TIMESTAMP ?`
  let next = 0
  const writeOn = async (): Promise<void> => {
    while (next < count) {
      const i = next++
      await client.execute(insert, [...(rows[i] ?? []), driver.types.Long.fromString(String(micros[i]))], { prepare: true })
    }
  }
  await Promise.all(Array.from({ length: 512 }, writeOn))
  await client.shutdown()
}

await using session = await connectCassandra({ contactPoints: [address], localDataCenter: 'datacenter1' })
const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
await session.changeSchema(`CREATE KEYSPACE IF NOT EXISTS millrace_bench WITH replication = ${replication}`)
await session.changeSchema(`CREATE TABLE IF NOT EXISTS millrace_bench.users (id uuid PRIMARY KEY, ${names.slice(1).join(' text, ')} text)`)
for (let round = 0; round < Number(roundsText); round++) {
  await measure('cql-client      ', () => withClient(session))
  await measure('cassandra-driver', withDriver)
}
await session.changeSchema('DROP KEYSPACE millrace_bench')
