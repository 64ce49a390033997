const batch = (kind: '' | 'UNLOGGED', ...statements: string[]): string => `BEGIN ${kind} BATCH ${statements.join('; ')}; APPLY BATCH`
const text = (length: number): string => `'${'x'.repeat(length)}'`
const insert = (id: number, length: number, table = 'a.t'): string => `INSERT INTO ${table} (id, w) VALUES (${id}, ${text(length)})`
const many = (each: string): string[] => Array.from({ length: 30 }, (_, i) => each.replaceAll('#', `${200 + i}`))

const clustered = `INSERT INTO a.sized (p, c, d, v) VALUES (200, 1, 'x', ${text(5_000)})`

/** Tables for {@link cqlBatches} beside those that are there. */
export const cqlBatchTables: readonly string[] = [
  'CREATE TABLE a.same (id int PRIMARY KEY, w text)',
  'CREATE INDEX ON a.same (w)',
  'CREATE TABLE a.sized (p int, c int, d text, s text STATIC, f frozen<list<int>>, l list<int>, m map<text, text>, v text, PRIMARY KEY (p, c, d))',
]

/** Batches by what is measured of them: what is warned of says their size to the byte. */
export const cqlBatches: readonly (readonly [name: string, query: string])[] = [
  ['a batch of 5,120 bytes', batch('', insert(200, 2490), insert(201, 2490))],
  ['a batch of 5,121 bytes', batch('', insert(200, 2490), insert(201, 2491))],
  ['a batch of 51,200 bytes', batch('', insert(200, 30_000), insert(201, 21_060))],
  ['a batch of 51,201 bytes', batch('', insert(200, 30_000), insert(201, 21_061))],
  ['an unlogged batch over the first threshold', batch('UNLOGGED', insert(200, 3_000), insert(201, 3_000))],
  ['an unlogged batch over the second threshold', batch('UNLOGGED', insert(200, 30_000), insert(201, 30_000))],
  ['an unlogged batch, large and over many partitions', batch('UNLOGGED', ...many(`INSERT INTO a.t (id, w) VALUES (#, ${text(200)})`))],
  ['a large batch on one partition', batch('', insert(200, 60_000))],
  ['a large batch on one partition, written twice', batch('UNLOGGED', insert(200, 30_000), insert(200, 30_000))],
  ['a large batch on one key of two tables', batch('', insert(200, 30_000), insert(200, 30_000, 'a.same'))],
  ['a batch that writes a row twice', batch('', insert(200, 6_000), insert(200, 6_000), insert(201, 1))],
  ['a batch on an index', batch('', insert(200, 3_000, 'a.same'), insert(201, 3_000, 'a.same'))],
  ['a batch of one statement', batch('', `UPDATE a.t SET w = ${text(3_000)} WHERE id IN (200, 201)`)],
  ['a batch of TTLs', batch('', ...many('INSERT INTO a.t (id, v, w) VALUES (#, 1, null) USING TTL 1000'), insert(200, 3_000))],
  ['a batch of collections', batch('', ...many("INSERT INTO a.t (id, l, m) VALUES (#, [1, 2, 3], {'a': 1, 'bc': 2})"))],
  ['a batch of elements', batch('', ...many("UPDATE a.t SET l = l + [1], m['a'] = 3 WHERE id = #"), insert(200, 3_000))],
  ['a batch that deletes elements', batch('', ...many("DELETE m['a'], l, w FROM a.t WHERE id = #"), insert(200, 3_000))],
  ['a batch that deletes partitions of one row', batch('', ...many('DELETE FROM a.t WHERE id = #'), insert(200, 5_000))],
  ['a batch that deletes partitions', batch('', ...many('DELETE FROM a.sized WHERE p = #'), clustered)],
  ['a batch that deletes rows', batch('', ...many("DELETE FROM a.sized WHERE p = # AND c = 1 AND d = 'x'"), clustered)],
  [
    'a batch that deletes rows that it writes',
    batch('', "DELETE FROM a.sized WHERE p = 200 AND c = 1 AND d = 'x'", clustered, clustered.replace('200', '201')),
  ],
  ['a batch of static cells', batch('', ...many(`UPDATE a.sized SET s = ${text(200)} WHERE p = #`))],
  [
    'a batch of clustered rows',
    batch('', ...many(`INSERT INTO a.sized (p, c, d, s, f, v) VALUES (#, 1, 'clustering', 's', [1, 2], ${text(200)})`)),
  ],
  [
    'a conditional batch of many bytes',
    batch('', `INSERT INTO a.t (id, w) VALUES (300, ${text(60_000)}) IF NOT EXISTS`, `UPDATE a.t SET v = 1 WHERE id = 300`),
  ],
]
