import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { auth, Client, concurrent, errors, mapping, types, type ClientOptions } from 'cassandra-driver'
import type { Where } from './driver-programs.ts'

const ROWS = 500

function connect({ host, port, secured }: Where, more: Partial<ClientOptions> = {}): Client {
  const security = secured && {
    authProvider: new auth.PlainTextAuthProvider(secured.username, secured.password),
    sslOptions: {
      ca: [readFileSync(secured.ca)],
      cert: readFileSync(secured.cert),
      key: readFileSync(secured.key),
      rejectUnauthorized: true,
      host: 'localhost',
    },
  }
  return new Client({ contactPoints: [`${host}:${port}`], localDataCenter: 'datacenter1', ...security, ...more })
}

async function writtenAndPaged(client: Client): Promise<{ pages: number; ordered: boolean }> {
  const insert = 'INSERT INTO events (org, kind, seq, note) VALUES (?, ?, ?, ?)'
  const parameters = Array.from({ length: ROWS }, (_, i) => ['acme', 'a', i, `note ${i}`])
  await concurrent.executeConcurrent(client, insert, parameters)
  const seen: unknown[] = []
  let pages = 0
  let pageState: string | undefined
  do {
    const options = { prepare: true, fetchSize: 50, ...(pageState ? { pageState } : {}) }
    const page = await client.execute("SELECT seq FROM events WHERE org = 'acme' AND kind = 'a'", [], options)
    seen.push(...page.rows.map((row) => row.get(0)))
    pages++
    pageState = page.pageState ?? undefined
  } while (pageState)
  return {
    pages,
    ordered: isDeepStrictEqual(
      seen,
      Array.from({ length: ROWS }, (_, i) => ROWS - 1 - i),
    ),
  }
}

async function byTokenRanges(client: Client): Promise<number> {
  await concurrent.executeConcurrent(
    client,
    'INSERT INTO keys (id) VALUES (?)',
    Array.from({ length: 200 }, (_, i) => [i]),
  )
  let found = 0
  for (const range of client.metadata.getTokenRanges() ?? [])
    for (const part of range.splitEvenly(4).flatMap((each) => each.unwrap())) {
      const [start, end] = [String(part.start.getValue()), String(part.end.getValue())]
      const upTo = end === '-9223372036854775808' ? '' : ` AND token(id) <= ${end}`
      const { rows } = await client.execute(`SELECT count(*) FROM keys WHERE token(id) > ${start}${upTo}`)
      found += Number(rows[0]?.get(0))
    }
  return found
}

async function singleWrites(client: Client): Promise<unknown[]> {
  const insert = "INSERT INTO events (org, kind, seq, note) VALUES ('one', 'b', ?, ?)"
  const note = async (seq: number): Promise<unknown> => {
    const { rows } = await client.execute("SELECT note FROM events WHERE org = 'one' AND kind = 'b' AND seq = ?", [seq], { prepare: true })
    return rows[0]?.get(0)
  }
  await client.execute(insert, [1, 'kept'], { prepare: true })
  await client.execute(insert, [1, types.unset], { prepare: true })
  const kept = await note(1)
  await client.execute(insert, [1, null], { prepare: true })
  const gone = await note(1)
  const batch = [2, 3, 4].map((seq) => ({ query: insert, params: [seq, 'batched'] }))
  await client.batch([...batch, { query: "UPDATE events SET team = ? WHERE org = 'one' AND kind = 'b'", params: ['red'] }], {
    prepare: true,
  })
  const found = await client.execute("SELECT seq, team FROM events WHERE org = 'one' AND kind = 'b'")
  const unless = await client.execute("INSERT INTO events (org, kind, seq, note) VALUES ('one', 'b', 2, 'new') IF NOT EXISTS")
  const late = "UPDATE events SET note = ? WHERE org = 'one' AND kind = 'b' AND seq = 9"
  await client.execute(late, ['late'], { prepare: true, timestamp: 2000 })
  await client.execute(late, ['early'], { prepare: true, timestamp: 1000 })
  return [kept, gone, found.rows.map((row) => row.values()), [unless.wasApplied(), unless.rows[0]?.get('note')], await note(9)]
}

async function mapped(client: Client): Promise<unknown[]> {
  await client.execute('CREATE TABLE visits (user uuid, seq int, page text, PRIMARY KEY (user, seq)) WITH CLUSTERING ORDER BY (seq DESC)')
  const visits = new mapping.Mapper(client, { models: { Visit: { tables: ['visits'] } } }).forModel('Visit')
  const user = types.Uuid.fromString('5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52')
  for (let seq = 0; seq < 5; seq++) await visits.insert({ user, seq, page: `/page/${seq}` })
  const again = await visits.insert({ user, seq: 3, page: '/other' }, { ifNotExists: true })
  await visits.remove({ user, seq: 0 })
  const one = await visits.get({ user, seq: 2 })
  const all = await visits.find({ user })
  return [one?.page, again.wasApplied(), all.toArray().map(({ seq }) => seq)]
}

const values: Readonly<Record<string, unknown>> = {
  ascii: 'plain',
  bigint: types.Long.MIN_VALUE,
  blob: Buffer.from([0, 255]),
  boolean: true,
  date: types.LocalDate.fromString('2024-02-29'),
  decimal: types.BigDecimal.fromString('-12.3400'),
  double: 1.5e300,
  duration: types.Duration.fromString('1mo2d3ns'),
  float: -0.5,
  inet: types.InetAddress.fromString('2001:db8::1'),
  int: -7,
  smallint: -300,
  text: 'smörgås 🍞',
  time: types.LocalTime.fromString('00:00:00.000000001'),
  timestamp: new Date('2024-02-29T12:30:00.123Z'),
  timeuuid: types.TimeUuid.fromString('5e65caae-06c9-11ee-8d4f-1d0e4ee53d52'),
  tinyint: 127,
  uuid: types.Uuid.fromString('5e65caae-06c9-4bbb-8d4f-1d0e4ee53d52'),
  varint: types.Integer.fromString('-1267650600228229401496703205376'),
  'list<int>': [3, 1, 3],
  'set<text>': ['a', 'b'],
  'map<text, int>': { x: 1, y: 2 },
  'frozen<list<frozen<map<text, int>>>>': [{ a: 1 }],
}

async function typesThatDiffer(client: Client): Promise<string[]> {
  const names = Object.keys(values).map((_, i) => `c${i}`)
  await client.execute(`CREATE TABLE types (id int PRIMARY KEY, ${Object.keys(values).map((type, i) => `c${i} ${type}`).join(', ')})`) // prettier-ignore
  const marks = names.map(() => '?').join(', ')
  await client.execute(`INSERT INTO types (id, ${names.join(', ')}) VALUES (1, ${marks})`, Object.values(values), { prepare: true })
  const { rows } = await client.execute('SELECT * FROM types')
  const text = (value: unknown): string => JSON.stringify(value)
  return Object.entries(values).flatMap(([type, value], i) => (text(rows[0]?.get(`c${i}`)) === text(value) ? [] : [type]))
}

async function refusal(client: Client, query: string): Promise<number | null> {
  return client.execute(query).then(
    () => null,
    (error: unknown) => (error instanceof errors.ResponseError ? error.code : null),
  )
}

async function afterAlter(client: Client): Promise<number[]> {
  const select = async (): Promise<types.ResultSet> => client.execute('SELECT * FROM keys WHERE id = ?', [1], { prepare: true })
  const before = (await select()).columns.length
  await client.execute('ALTER TABLE keys ADD added text')
  const rows = (await select()).rowLength
  return [before, (await client.execute('SELECT * FROM keys WHERE id = 1')).columns.length, rows]
}

/** What the npm driver sees, with its mapper, of a server. */
export async function judgeNodeDriver(where: Where): Promise<object> {
  const { keyspace } = where
  const first = connect(where)
  await first.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`)
  await first.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  const client = connect(where, { keyspace })
  try {
    await client.execute(
      'CREATE TABLE events (org text, kind ascii, seq int, note text, team text static, PRIMARY KEY ((org, kind), seq)) WITH CLUSTERING ORDER BY (seq DESC)',
    )
    await client.execute('CREATE TABLE keys (id int PRIMARY KEY)')
    const table = await client.metadata.getTable(keyspace, 'events')
    const { info } = await client.execute('SELECT * FROM keys WHERE id = 1', [], { traceQuery: true })
    const trace = await client.metadata.getTrace(info.traceId)
    return {
      partitionKey: table?.partitionKeys.map(({ name }) => name),
      clusteringKey: table?.clusteringKeys.map(({ name }, i) => [name, table.clusteringOrder[i]]),
      columns: table?.columns.map(({ name }) => name).toSorted(),
      ...(await writtenAndPaged(client)),
      replicas: client.metadata.getReplicas(keyspace, Buffer.from([0, 0, 0, 1]))?.length,
      byTokenRanges: await byTokenRanges(client),
      single: await singleWrites(client),
      mapped: await mapped(client),
      typesThatDiffer: await typesThatDiffer(client),
      afterAlter: await afterAlter(client),
      refused: [
        await refusal(client, 'SELEC * FROM keys'),
        await refusal(client, 'SELECT nope FROM keys'),
        await refusal(client, 'CREATE TABLE keys (id int PRIMARY KEY)'),
      ],
      traced: trace.requestType,
      seenByAnother: (await first.metadata.getTable(keyspace, 'visits')) !== null,
    }
  } finally {
    await first.execute(`DROP KEYSPACE ${keyspace}`).catch(() => {})
    await Promise.all([client.shutdown(), first.shutdown()])
  }
}
