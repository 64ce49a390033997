import {
  consistencies,
  decodeValue,
  encodeValue,
  formatType,
  UNSET,
  type BoundValue,
  type CqlType,
  type CqlValue,
} from '../../src/cql-wire/index.ts'
import type { Response } from '../../src/cql-wire/index.ts'
import { cqlBatches, cqlBatchTables } from './data/cql-batch-statements.ts'
import type { RawCql } from './raw-cql.ts'

/** Requests of one connection, in order, and what of their answers is compared. */
export interface CqlAction {
  readonly name: string
  readonly run: (cql: RawCql) => Promise<unknown>
}

const int = (value: number): Uint8Array => encodeValue({ is: 'int' }, value)
const text = (value: string): Uint8Array => encodeValue({ is: 'text' }, value)
const bigint = (value: bigint): Uint8Array => encodeValue({ is: 'bigint' }, value)

/** An answer as it is compared: rows decoded, ids and paging states as "there is one", errors by their code and extra fields. */
export function comparable(answer: Response): unknown {
  if (answer.opcode === 'ERROR') {
    const { code, message: _message, unprepared, ...extra } = answer
    return { error: code, ...extra, ...(unprepared ? { unprepared: Buffer.from(unprepared.id).toString('hex') } : {}) }
  }
  if (answer.opcode !== 'RESULT') return answer.opcode
  switch (answer.kind) {
    case 'prepared':
      return { ...answer, id: answer.id.length, bound: answer.bound.map(columnText), columns: answer.columns.map(columnText) }
    case 'rows':
      return {
        columns: answer.columns.map(columnText),
        rows: answer.rows.map((row) => row.map((value, i) => shown(answer.columns[i]?.type, value))),
        more: answer.pagingState !== null,
      }
    default:
      return answer
  }
}

function columnText({ keyspace, table, name, type }: { keyspace: string; table: string; name: string; type: CqlType }): string {
  return `${keyspace}.${table}.${name} ${formatType(type)}`
}

function shown(type: CqlType | undefined, value: Uint8Array | null): unknown {
  if (value === null) return null
  // Without metadata the bytes are all there is.
  if (!type) return Buffer.from(value).toString('hex')
  return JSON.stringify(plainOf(decodeValue(type, value)))
}

function plainOf(value: CqlValue): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plainOf)
  return typeof value === 'object' && value !== null ? Object.values(value).map(String) : value
}

async function prepared(cql: RawCql, query: string): Promise<Uint8Array> {
  const answer = await cql.ask({ opcode: 'PREPARE', query })
  if (answer.opcode === 'RESULT' && answer.kind === 'prepared') return answer.id
  throw new Error(`not prepared: ${query}: ${JSON.stringify(comparable(answer))}`)
}

const prepares = (name: string, query: string): CqlAction => ({
  name: `prepare ${name}`,
  run: async (cql) => comparable(await cql.ask({ opcode: 'PREPARE', query })),
})

const executes = (name: string, query: string, ...values: BoundValue[][]): CqlAction => ({
  name: `execute ${name}`,
  run: async (cql) => {
    const id = await prepared(cql, query)
    const answers: unknown[] = []
    for (const each of values) answers.push(comparable(await cql.execute(id, each)))
    return answers
  },
})

/** What the server warns of beside its answer. */
const warns = (name: string, query: string): CqlAction => ({
  name: `warnings of ${name}`,
  run: async (cql) => {
    cql.warnings.length = 0
    const answer = comparable(await cql.query(query))
    return [answer, ...cql.warnings]
  },
})

const inserts = (count: number): string =>
  Array.from({ length: count }, (_, i) => `INSERT INTO a.t (id, v) VALUES (${100 + i}, 1);`).join(' ')

const asks = (name: string, ask: (cql: RawCql) => Promise<Response>): CqlAction => ({
  name,
  run: async (cql) => comparable(await ask(cql)),
})

/** All pages of a query, each of at most `size` rows. */
const pages = (query: string, ...sizes: number[]): CqlAction => ({
  name: `page by ${sizes.join(', ')}: ${query}`,
  run: async (cql) => {
    const all: unknown[] = []
    for (const pageSize of sizes) {
      let pagingState: Uint8Array | null = null
      for (let page = 0; page < 50; page++) {
        const answer: Response = await cql.query(query, { pageSize, pagingState })
        all.push(comparable(answer))
        pagingState = answer.opcode === 'RESULT' && answer.kind === 'rows' ? answer.pagingState : null
        if (!pagingState) break
      }
    }
    return all
  },
})

const setup = [
  "CREATE KEYSPACE a WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  'CREATE TABLE a.t (id int PRIMARY KEY, v int, w text, l list<int>, m map<text, int>)',
  'CREATE TABLE a.c (p int, q text, c int, s int static, v int, PRIMARY KEY ((p, q), c)) WITH CLUSTERING ORDER BY (c DESC)',
  'CREATE TABLE a.n (a int, b int, v int, s int static, PRIMARY KEY (a, b))',
  ...Array.from({ length: 5 }, (_, a) =>
    Array.from({ length: 6 }, (_, b) => `INSERT INTO a.n (a, b, v) VALUES (${a}, ${b}, ${a * b})`),
  ).flat(),
  'INSERT INTO a.n (a, s) VALUES (7, 7)',
  'DELETE FROM a.n WHERE a = 2 AND b >= 2 AND b < 5',
  ...cqlBatchTables,
]

const seen = 'SELECT id, v, w, l, m, writetime(v), writetime(w) FROM a.t WHERE id = '

/** In this order, each on both systems. */
export const cqlActions: readonly CqlAction[] = [
  { name: 'set up', run: async (cql) => { const all: unknown[] = []; for (const each of setup) all.push(comparable(await cql.query(each))); return all } }, // prettier-ignore
  prepares('an insert', 'INSERT INTO a.t (id, v, w) VALUES (?, ?, ?)'),
  prepares('an insert with names', 'INSERT INTO a.t (id, v) VALUES (:the_id, :"The V")'),
  prepares('an insert with time and TTL', 'INSERT INTO a.t (id, v) VALUES (?, ?) USING TIMESTAMP ? AND TTL ?'),
  prepares('a key in the other order', 'INSERT INTO a.c (c, q, p) VALUES (?, ?, ?)'),
  prepares('a key given in part', "INSERT INTO a.c (c, q, p) VALUES (?, 'x', ?)"),
  prepares('a select', 'SELECT v, w AS x, count(*) FROM a.t WHERE id = ?'),
  prepares('a select of all', 'SELECT * FROM a.c WHERE p = ? AND q = ? AND c > ? AND c <= ? LIMIT ?'),
  prepares('IN as one marker', 'SELECT * FROM a.t WHERE id IN ?'),
  prepares('IN as several markers', 'SELECT * FROM a.t WHERE id IN (?, ?)'),
  prepares('a per partition limit', 'SELECT * FROM a.n PER PARTITION LIMIT ? LIMIT ?'),
  prepares('a token range', 'SELECT * FROM a.c WHERE token(p, q) > ? AND token(p, q) <= ?'),
  prepares('an update', 'UPDATE a.t USING TTL ? SET v = ?, l = l + ?, m[?] = ? WHERE id = ? IF w = ? AND v IN (?, 3)'),
  prepares('a delete', 'DELETE m[?], v FROM a.t USING TIMESTAMP ? WHERE id = ?'),
  prepares('a range delete', 'DELETE FROM a.n WHERE a = ? AND b > ? AND b < ?'),
  prepares('a filter', 'SELECT id FROM a.t WHERE v > ? AND l CONTAINS ? AND m CONTAINS KEY ? ALLOW FILTERING'),
  prepares('a tuple of clustering columns', 'SELECT * FROM a.n WHERE a = ? AND (b) > (?)'),
  prepares('a tuple of clustering columns as one marker', 'SELECT * FROM a.c WHERE p = ? AND q = ? AND (c) > ?'),
  prepares('tuples of clustering columns', 'SELECT * FROM a.n WHERE a = ? AND (b) IN (?, ?)'),
  prepares('tuples of clustering columns as one marker', 'SELECT * FROM a.n WHERE a = ? AND (b) IN ?'),
  prepares('conditions on elements', 'UPDATE a.t SET v = ? WHERE id = ? IF m[?] = ? AND l[?] IN (?, ?) AND l CONTAINS ?'),
  prepares('a batch', 'BEGIN BATCH INSERT INTO a.t (id, v) VALUES (?, ?); UPDATE a.n SET v = ? WHERE a = ? AND b = ?; APPLY BATCH'),
  prepares('a function', 'INSERT INTO a.t (id, w) VALUES (?, blobAsText(textAsBlob(?)))'),
  prepares('a schema change', 'CREATE TABLE a.later (id int PRIMARY KEY)'),
  prepares('USE', 'USE a'),
  prepares('an unknown table', 'SELECT * FROM a.nowhere WHERE id = ?'),
  prepares('an unknown column', 'SELECT * FROM a.t WHERE nowhere = ?'),
  prepares('a syntax error', 'SELECT ? FROM WHERE'),
  prepares('a marker whose type nobody knows', 'SELECT ? FROM a.t'),
  prepares('nothing', ''),
  {
    name: 'prepare twice: the same id',
    run: async (cql) => Buffer.compare(await prepared(cql, `${seen}1`), await prepared(cql, `${seen}1`)),
  },
  executes(
    'an insert',
    'INSERT INTO a.t (id, v, w) VALUES (?, ?, ?)',
    [int(1), int(10), text('x')],
    [int(1), UNSET, text('y')],
    [int(1), null, UNSET],
  ),
  asks('see what was unset', (cql) => cql.query('SELECT id, v, w FROM a.t WHERE id = 1')),
  executes('with too few values', 'INSERT INTO a.t (id, v, w) VALUES (?, ?, ?)', [int(1)], []),
  executes('with too many values', 'INSERT INTO a.t (id, v) VALUES (?, ?)', [int(1), int(2), int(3)]),
  executes(
    'with wrong lengths',
    'INSERT INTO a.t (id, v, w) VALUES (?, ?, ?)',
    [int(1), Buffer.of(1, 2), text('x')],
    [bigint(5n), int(1), text('x')],
    [int(1), int(1), Buffer.of(0xff)],
  ),
  executes('with a null or unset key', 'INSERT INTO a.t (id, v) VALUES (?, ?)', [null, int(1)], [UNSET, int(1)], [Buffer.alloc(0), int(1)]),
  executes('with an empty value', 'INSERT INTO a.t (id, v) VALUES (?, ?)', [int(2), Buffer.alloc(0)]),
  asks('see the empty value', (cql) => cql.query('SELECT id, v FROM a.t WHERE id = 2', { skipMetadata: true })),
  executes('with collections', 'INSERT INTO a.t (id, l, m) VALUES (?, ?, ?)', [int(3), encodeValue({ is: 'list', of: { is: 'int' } }, [3, 1, 3]), encodeValue({ is: 'map', key: { is: 'text' }, value: { is: 'int' } }, [['b', 1], ['a', 2], ['b', 3]])], [int(3), Buffer.of(0, 0, 0, 9), UNSET], [int(3), UNSET, Buffer.of(1)]), // prettier-ignore
  asks('see the collections', (cql) => cql.query('SELECT l, m FROM a.t WHERE id = 3')),
  executes('with unset in WHERE', 'SELECT * FROM a.n WHERE a = ? AND b > ?', [int(1), UNSET], [UNSET, int(1)], [int(1), null]),
  executes(
    'with unset LIMIT',
    'SELECT b FROM a.n WHERE a = ? LIMIT ?',
    [int(1), UNSET],
    [int(1), null],
    [int(1), int(2)],
    [int(1), int(0)],
    [int(1), int(-1)],
  ),
  executes(
    'with unset time and TTL',
    'INSERT INTO a.t (id, v) VALUES (?, ?) USING TTL ? AND TIMESTAMP ?',
    [int(4), int(4), UNSET, UNSET],
    [int(4), int(4), null, bigint(5n)],
    [int(4), int(4), int(-1), bigint(5n)],
    [int(4), int(4), int(0), null],
    [int(4), int(4), int(630_720_001), UNSET],
  ),
  executes(
    'with IN as one marker',
    'SELECT id FROM a.t WHERE id IN ?',
    [encodeValue({ is: 'list', of: { is: 'int' } }, [3, 1, 3, 77])],
    [encodeValue({ is: 'list', of: { is: 'int' } }, [])],
    [null],
    [UNSET],
  ),
  executes(
    'of a conditional update',
    'UPDATE a.t SET v = ? WHERE id = ? IF w = ?',
    [int(5), int(1), text('y')],
    [int(6), int(1), text('z')],
    [int(6), int(1), null],
    [int(6), int(1), UNSET],
  ),
  executes(
    'with a tuple as one marker',
    'SELECT a, b FROM a.n WHERE a = ? AND (b) > ?',
    [int(1), encodeValue({ is: 'tuple', of: [{ is: 'int' }] }, [3])],
    [int(1), encodeValue({ is: 'tuple', of: [{ is: 'int' }] }, [null])],
  ),
  executes(
    'with a list of tuples as one marker',
    'SELECT a, b FROM a.n WHERE a = ? AND (b) IN ?',
    [int(1), encodeValue({ is: 'list', of: { is: 'tuple', of: [{ is: 'int' }] } }, [[3], [1], [3]])],
    [int(1), encodeValue({ is: 'list', of: { is: 'tuple', of: [{ is: 'int' }] } }, [])],
  ),
  executes('of a range delete', 'DELETE FROM a.n WHERE a = ? AND b > ? AND b < ?', [int(4), int(1), int(3)]),
  asks('values by name', (cql) => cql.query('INSERT INTO a.t (id, v) VALUES (:i, :v)', { names: ['v', 'i'], values: [int(55), int(5)] })),
  asks('values by name, one lacking', (cql) => cql.query('INSERT INTO a.t (id, v) VALUES (:i, :v)', { names: ['i'], values: [int(5)] })),
  asks('values by the names of columns', (cql) =>
    cql.query('INSERT INTO a.t (id, v) VALUES (?, ?)', { names: ['id', 'v'], values: [int(56), int(6)] }),
  ),
  asks('values in a QUERY', (cql) => cql.query('SELECT id, v FROM a.t WHERE id = ?', { values: [int(55)] })),
  asks('values in a QUERY, too many', (cql) => cql.query('SELECT id, v FROM a.t WHERE id = ?', { values: [int(55), int(1)] })),
  asks('values in a QUERY, none', (cql) => cql.query('SELECT id, v FROM a.t WHERE id = ?')),
  asks('an id that was never prepared', (cql) => cql.execute(Buffer.alloc(16, 7), [])),
  asks('an id of the wrong length', (cql) => cql.execute(Buffer.alloc(3, 7), [])),
  {
    name: 'a prepared select after ALTER TABLE ADD',
    run: async (cql) => {
      await cql.query('CREATE TABLE a.alters (id int PRIMARY KEY, v int)')
      await cql.query('INSERT INTO a.alters (id, v) VALUES (1, 1)')
      const id = await prepared(cql, 'SELECT v FROM a.alters WHERE id = ?')
      await cql.query('ALTER TABLE a.alters ADD w text')
      const first = await cql.execute(id, [int(1)])
      const again = await prepared(cql, 'SELECT v FROM a.alters WHERE id = ?')
      await cql.query('DROP TABLE a.alters')
      return [first.opcode, Buffer.compare(again, id), comparable(await cql.execute(again, [int(1)]))]
    },
  },
  ...[
    'SELECT a, b FROM a.n',
    'SELECT a, b FROM a.n WHERE a = 3',
    'SELECT a, b FROM a.n WHERE a = 3 ORDER BY b DESC',
    'SELECT a, b FROM a.n WHERE a IN (4, 1)',
    'SELECT a, b FROM a.n LIMIT 7',
    'SELECT a, b FROM a.n PER PARTITION LIMIT 2',
    'SELECT a, b FROM a.n PER PARTITION LIMIT 2 LIMIT 7',
    'SELECT DISTINCT a, s FROM a.n',
    'SELECT a, b FROM a.n WHERE v = 4 ALLOW FILTERING',
    'SELECT a, b FROM a.n WHERE v > 3 LIMIT 5 ALLOW FILTERING',
    'SELECT count(*), max(v) FROM a.n',
    'SELECT a, b FROM a.n WHERE a = 99',
  ].map((query) => pages(query, 1, 2, 3, 1000)),
  pages('SELECT a, b FROM a.n WHERE a = 1', 6, 7, 0, -1),
  asks('a paging state that is none', (cql) => cql.query('SELECT a FROM a.n', { pageSize: 2, pagingState: Buffer.from('nonsense') })),
  asks('a page without metadata', (cql) => cql.query('SELECT a, b FROM a.n WHERE a = 1', { pageSize: 2, skipMetadata: true })),
  ...(['logged', 'unlogged'] as const).map((type) =>
    asks(`a batch: ${type}`, (cql) =>
      cql.batch(
        [
          { query: 'INSERT INTO a.t (id, v) VALUES (20, 1)', values: [] },
          { query: 'INSERT INTO a.t (id, v) VALUES (?, ?)', values: [int(21), int(2)] },
        ],
        { type },
      ),
    ),
  ),
  {
    name: 'a batch of prepared and other statements with a time',
    run: async (cql) => {
      const id = await prepared(cql, 'INSERT INTO a.t (id, v) VALUES (?, ?)')
      const answer = await cql.batch([{ preparedId: id, values: [int(22), int(1)] }, { preparedId: id, values: [int(23), UNSET] }, { query: 'DELETE FROM a.t WHERE id = 20', values: [] }, { query: 'INSERT INTO a.t (id, v) VALUES (24, 4) USING TIMESTAMP 9', values: [] }], { timestampMicros: 5n }) // prettier-ignore
      return [comparable(answer), comparable(await cql.query('SELECT id, v, writetime(v) FROM a.t WHERE id IN (22, 23, 24)'))]
    },
  },
  asks('a batch with an unknown id', (cql) => cql.batch([{ preparedId: Buffer.alloc(16, 3), values: [] }])),
  asks('a batch of a select', (cql) => cql.batch([{ query: 'SELECT * FROM a.t', values: [] }])),
  asks('a batch with too few values', (cql) => cql.batch([{ query: 'INSERT INTO a.t (id, v) VALUES (?, ?)', values: [int(1)] }])),
  asks('an empty batch', (cql) => cql.batch([])),
  asks('a batch of a batch', (cql) => cql.batch([{ query: 'BEGIN BATCH INSERT INTO a.t (id) VALUES (1); APPLY BATCH', values: [] }])),
  asks('a batch on an unknown table', (cql) => cql.batch([{ query: 'INSERT INTO a.nowhere (id) VALUES (1)', values: [] }])),
  asks('a counter batch without counters', (cql) =>
    cql.batch([{ query: 'INSERT INTO a.t (id) VALUES (1)', values: [] }], { type: 'counter' }),
  ),
  asks('a conditional batch', (cql) =>
    cql.batch([
      { query: 'INSERT INTO a.n (a, b, v) VALUES (50, 1, 1) IF NOT EXISTS', values: [] },
      { query: 'INSERT INTO a.n (a, b, v) VALUES (50, 2, 2)', values: [] },
    ]),
  ),
  asks('a conditional batch again', (cql) =>
    cql.batch([
      { query: 'INSERT INTO a.n (a, b, v) VALUES (50, 1, 9) IF NOT EXISTS', values: [] },
      { query: 'UPDATE a.n SET v = 3 WHERE a = 50 AND b = 2 IF v = 2', values: [] },
    ]),
  ),
  asks('a conditional batch that applies', (cql) =>
    cql.batch([
      { query: 'UPDATE a.n SET v = 3 WHERE a = 50 AND b = 2 IF v = 2', values: [] },
      { query: 'DELETE FROM a.n WHERE a = 50 AND b = 1 IF EXISTS', values: [] },
    ]),
  ),
  asks('see the conditional batch', (cql) => cql.query('SELECT a, b, v FROM a.n WHERE a = 50')),
  asks('a conditional batch over partitions', (cql) =>
    cql.batch([
      { query: 'INSERT INTO a.n (a, b) VALUES (51, 1) IF NOT EXISTS', values: [] },
      { query: 'INSERT INTO a.n (a, b) VALUES (52, 1)', values: [] },
    ]),
  ),
  asks('a conditional batch with a time', (cql) =>
    cql.batch([{ query: 'INSERT INTO a.n (a, b) VALUES (51, 1) IF NOT EXISTS', values: [] }], { timestampMicros: 5n }),
  ),
  ...[1_000n, 0n, -5n, 9_000_000_000_000_000n, -(2n ** 63n)].map((timestampMicros): CqlAction => ({
    name: `a write at ${timestampMicros}`,
    run: async (cql) => [
      comparable(await cql.query("INSERT INTO a.t (id, v, w) VALUES (30, 1, 'x')", { timestampMicros })),
      comparable(await cql.query('SELECT v, writetime(v) FROM a.t WHERE id = 30')),
      comparable(await cql.query('INSERT INTO a.t (id, v) VALUES (30, 2) USING TIMESTAMP 77', { timestampMicros })),
      comparable(await cql.query('SELECT v, writetime(v) FROM a.t WHERE id = 30')),
    ],
  })),
  ...Object.entries(consistencies).flatMap(([name, consistency]) => [
    asks(`read with ${name}`, (cql) => cql.query('SELECT id, v FROM a.t WHERE id = 1', { consistency })),
    asks(`write with ${name}`, (cql) => cql.query('INSERT INTO a.t (id, v) VALUES (40, 1)', { consistency })),
    asks(`batch with ${name}`, (cql) => cql.batch([{ query: 'INSERT INTO a.t (id, v) VALUES (40, 1)', values: [] }], { consistency })),
    asks(`conditional write with ${name}, serial`, (cql) =>
      cql.query('INSERT INTO a.t (id, v) VALUES (41, 1) IF NOT EXISTS', { serialConsistency: consistency }),
    ),
    asks(`conditional write with ${name}`, (cql) => cql.query('INSERT INTO a.t (id, v) VALUES (40, 1) IF NOT EXISTS', { consistency })),
  ]),
  asks('a consistency that is none', (cql) => cql.query('SELECT id FROM a.t WHERE id = 1', { consistency: 99 })),
  warns('an aggregate over all', 'SELECT count(*) FROM a.n'),
  warns('groups of all', 'SELECT a, max(v) FROM a.n GROUP BY a'),
  warns('an aggregate over a range of tokens', 'SELECT count(*) FROM a.n WHERE token(a) > 0'),
  warns('an aggregate over a partition', 'SELECT count(*) FROM a.n WHERE a = 1'),
  warns('an aggregate over some partitions', 'SELECT count(*) FROM a.n WHERE a IN (1, 2)'),
  warns('a filter', 'SELECT * FROM a.n WHERE v = 1 ALLOW FILTERING'),
  warns('an unlogged batch over many partitions', `BEGIN UNLOGGED BATCH ${inserts(12)} APPLY BATCH`),
  warns('an unlogged batch over few partitions', `BEGIN UNLOGGED BATCH ${inserts(10)} APPLY BATCH`),
  warns('a logged batch over many partitions', `BEGIN BATCH ${inserts(12)} APPLY BATCH`),
  ...cqlBatches.map(([name, query]) => warns(name, query)),
  asks('register for events', (cql) => cql.ask({ opcode: 'REGISTER', events: ['SCHEMA_CHANGE', 'STATUS_CHANGE', 'TOPOLOGY_CHANGE'] })),
  {
    name: 'events of schema changes',
    run: async (cql) => {
      const changes = ['CREATE TABLE a.ev (id int PRIMARY KEY)', 'ALTER TABLE a.ev ADD v int', "ALTER TABLE a.ev WITH comment = 'x'", 'DROP TABLE a.ev', 'DROP TABLE IF EXISTS a.ev', 'TRUNCATE a.t', "CREATE KEYSPACE ev WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", 'DROP KEYSPACE ev'] // prettier-ignore
      const answers = []
      for (const change of changes) answers.push(comparable(await cql.query(change)))
      const wanted = 6
      const deadlineMs = Date.now() + 60_000
      while (cql.events.length < wanted && Date.now() < deadlineMs) await cql.ask({ opcode: 'OPTIONS' })
      return [answers, cql.events]
    },
  },
  asks('register for nonsense', (cql) => cql.ask({ opcode: 'REGISTER', events: ['NONSENSE'] })),
  asks('USE in a QUERY', (cql) => cql.query('USE a')),
  asks('a table of the keyspace in use', (cql) => cql.query('SELECT count(*) FROM n')),
  asks('a second STARTUP', (cql) => cql.ask({ opcode: 'STARTUP', options: new Map([['CQL_VERSION', '3.0.0']]) })),
  asks('an AUTH_RESPONSE nobody asked for', (cql) => cql.ask({ opcode: 'AUTH_RESPONSE', token: Buffer.from('x') })),
]
