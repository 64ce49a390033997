/** What `docs/cql.md` says: each statement is carried out by the test that makes the page, in this order. */
export interface CqlSection {
  readonly title: string
  readonly about?: string
  /** Carried out; shown in the page. */
  readonly supported: readonly string[]
  /** Refused by the name of the feature. */
  readonly refused?: readonly { statement: string; feature: string }[]
}

const refused = (feature: string, statement: string): { statement: string; feature: string } => ({ feature, statement })

export const cqlSections: readonly CqlSection[] = [
  {
    title: 'Keyspaces and tables',
    about:
      'Replication is kept and shown, for the cluster that the schema may move to; here there is one copy. Of the options of a table `default_time_to_live` and `gc_grace_seconds` count, the others are kept and shown. A column that is added again under its old name has its cells from after the time of its DROP, whenever they are written, and none from before: Cassandra’s rule.',
    supported: [
      "CREATE KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}",
      "ALTER KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1} AND durable_writes = true",
      'USE shop',
      'CREATE TABLE shop.orders (customer uuid, placed timestamp, item text, price decimal, tags set<text>, attributes map<text, text>, steps list<int>, name text STATIC, PRIMARY KEY ((customer), placed, item)) WITH CLUSTERING ORDER BY (placed DESC, item ASC) AND gc_grace_seconds = 3600',
      'CREATE TABLE IF NOT EXISTS shop.types (a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, i float, j inet, k int, l smallint, m text, n time, o timestamp, p timeuuid, q tinyint, r uuid, s varchar, t varint, u frozen<list<int>>, v frozen<map<text, frozen<set<int>>>>, w tuple<int, text>, PRIMARY KEY ((k, m), l))',
      'ALTER TABLE shop.types ADD (x text, y int)',
      'ALTER TABLE shop.types DROP y',
      'ALTER TABLE shop.types DROP x USING TIMESTAMP 1700000000000000',
      'ALTER TABLE shop.types ADD x text',
      'ALTER TABLE shop.types RENAME l TO level',
      "ALTER TABLE shop.types WITH comment = 'every type' AND default_time_to_live = 86400",
      'TRUNCATE TABLE shop.types',
      'DROP TABLE shop.types',
      'DROP TABLE IF EXISTS shop.types',
    ],
    refused: [
      refused('a storage-attached index', "CREATE INDEX ON shop.orders (price) USING 'sai'"),
      refused('a SASI index', "CREATE CUSTOM INDEX ON shop.orders (price) USING 'org.apache.cassandra.index.sasi.SASIIndex'"),
      refused(
        'CREATE of a materialized view',
        'CREATE MATERIALIZED VIEW shop.v AS SELECT * FROM shop.orders WHERE customer IS NOT NULL PRIMARY KEY (customer)',
      ),
      refused('CREATE of a user-defined type', 'CREATE TYPE shop.address (street text)'),
      refused(
        'CREATE of a user-defined function',
        "CREATE FUNCTION shop.f (a int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'return a;'",
      ),
      refused('CREATE of a user-defined aggregate', 'CREATE AGGREGATE shop.g (int) SFUNC f STYPE int'),
      refused('CREATE of a trigger', "CREATE TRIGGER t ON shop.orders USING 'x'"),
      refused('a counter column', 'CREATE TABLE shop.c (id int PRIMARY KEY, n counter)'),
      refused('a custom type', "CREATE TABLE shop.c (id int PRIMARY KEY, n 'org.example.Type')"),
      refused('COMPACT STORAGE', 'CREATE TABLE shop.c (id int PRIMARY KEY) WITH COMPACT STORAGE'),
      refused('a masked column', 'CREATE TABLE shop.c (id int PRIMARY KEY, n text MASKED WITH DEFAULT)'),
      refused('ALTER TABLE ALTER (changing the type of a column)', 'ALTER TABLE shop.orders ALTER price TYPE text'),
    ],
  },
  {
    title: 'Secondary indexes',
    about:
      'Cassandra’s own (`legacy_local_table`), on any column and on keys, values, entries of collections or frozen ones as a whole. They answer `=`, `CONTAINS`, `CONTAINS KEY` and `m[k] =`; without `ALLOW FILTERING` one such condition, as in Cassandra. Rows from before an index are entered behind its CREATE: until then reads look at all rows.',
    supported: [
      'CREATE INDEX ON shop.orders (price)',
      'CREATE INDEX IF NOT EXISTS by_item ON shop.orders (item)',
      'CREATE INDEX ON shop.orders (name)',
      'CREATE INDEX ON shop.orders (tags)',
      'CREATE INDEX ON shop.orders (keys(attributes))',
      'CREATE INDEX ON shop.orders (values(attributes))',
      'CREATE INDEX ON shop.orders (entries(attributes))',
      'SELECT * FROM shop.orders WHERE price = 2.50',
      "SELECT * FROM shop.orders WHERE item = 'tea'",
      "SELECT * FROM shop.orders WHERE tags CONTAINS 'hot' AND token(customer) > 0",
      "SELECT * FROM shop.orders WHERE attributes CONTAINS KEY 'size'",
      "SELECT * FROM shop.orders WHERE attributes['size'] = 'small' AND price = 3 ALLOW FILTERING",
      "SELECT * FROM system_schema.indexes WHERE keyspace_name = 'shop'",
      'DESCRIBE INDEX shop.by_item',
      'DROP INDEX shop.by_item',
      'DROP INDEX IF EXISTS shop.by_item',
    ],
  },
  {
    title: 'Writing',
    about:
      'The last write wins cell by cell, by its time, with Cassandra’s rules for equal times; deletions and times to live as there. A batch on more than one partition is warned of over 5 KiB and refused over 50 KiB (`Batch too large`), counted as Cassandra does; an unlogged one is warned of over ten partitions.',
    supported: [
      "INSERT INTO shop.orders (customer, placed, item, price, tags) VALUES (00000000-0000-4000-8000-000000000001, '2026-01-02', 'tea', 2.50, {'hot'})",
      "INSERT INTO shop.orders (customer, placed, item) VALUES (00000000-0000-4000-8000-000000000001, '2026-01-03', 'cup') IF NOT EXISTS",
      "INSERT INTO shop.orders (customer, placed, item, price) VALUES (00000000-0000-4000-8000-000000000002, '2026-01-02', 'tea', 1 + 2 * 3) USING TIMESTAMP 1700000000000000 AND TTL 86400",
      'INSERT INTO shop.orders JSON \'{"customer": "00000000-0000-4000-8000-000000000003", "placed": "2026-01-02", "item": "pot", "steps": [1, 2, 3]}\' DEFAULT UNSET',
      "UPDATE shop.orders USING TTL 86400 SET price = 3, tags = tags + {'new'}, attributes['size'] = 'small', steps = [0] + steps WHERE customer = 00000000-0000-4000-8000-000000000003 AND placed = '2026-01-02' AND item = 'pot'",
      "UPDATE shop.orders SET steps[0] = 9, steps = steps - [2] WHERE customer = 00000000-0000-4000-8000-000000000003 AND placed = '2026-01-02' AND item = 'pot'",
      "UPDATE shop.orders SET name = 'Ann' WHERE customer = 00000000-0000-4000-8000-000000000001 IF name = null",
      "UPDATE shop.orders SET price = 4 WHERE customer = 00000000-0000-4000-8000-000000000003 AND placed = '2026-01-02' AND item = 'pot' IF attributes['size'] = 'small' AND steps[0] IN (9, 10) AND tags CONTAINS 'new' AND price > 1",
      "DELETE price, attributes['size'], steps[0] FROM shop.orders WHERE customer = 00000000-0000-4000-8000-000000000003 AND placed = '2026-01-02' AND item = 'pot'",
      "DELETE FROM shop.orders WHERE customer = 00000000-0000-4000-8000-000000000002 AND placed > '2025-01-01' AND placed <= '2026-01-01'",
      "DELETE FROM shop.orders WHERE customer = 00000000-0000-4000-8000-000000000001 AND placed = '2026-01-03' AND item = 'cup' IF EXISTS",
      "BEGIN BATCH INSERT INTO shop.orders (customer, placed, item) VALUES (00000000-0000-4000-8000-000000000001, '2026-01-04', 'cup') IF NOT EXISTS; DELETE FROM shop.orders WHERE customer = 00000000-0000-4000-8000-000000000001 AND placed = '2026-01-02'; APPLY BATCH",
      "BEGIN UNLOGGED BATCH USING TIMESTAMP 1700000000000001 UPDATE shop.orders SET name = 'Bob' WHERE customer = 00000000-0000-4000-8000-000000000002; APPLY BATCH",
    ],
    refused: [
      refused(
        'a counter batch',
        'BEGIN COUNTER BATCH UPDATE shop.orders SET name = 1 WHERE customer = 00000000-0000-4000-8000-000000000001; APPLY BATCH',
      ),
    ],
  },
  {
    title: 'Reading',
    about: 'Pages by an opaque state, in the order of tokens and clustering columns.',
    supported: [
      'SELECT * FROM shop.orders',
      'SELECT DISTINCT customer, name FROM shop.orders',
      "SELECT item, price AS cost FROM shop.orders WHERE customer = 00000000-0000-4000-8000-000000000001 AND placed >= '2026-01-01' ORDER BY placed ASC LIMIT 10",
      "SELECT item FROM shop.orders WHERE customer IN (00000000-0000-4000-8000-000000000001, 00000000-0000-4000-8000-000000000002) AND (placed, item) > ('2026-01-01', 'a')",
      "SELECT item FROM shop.orders WHERE customer = 00000000-0000-4000-8000-000000000001 AND (placed, item) IN (('2026-01-04', 'cup'), ('2026-01-02', 'tea'))",
      'SELECT item FROM shop.orders WHERE token(customer) > -9223372036854775808 AND token(customer) <= 0 PER PARTITION LIMIT 2',
      "SELECT item FROM shop.orders WHERE price > 1 AND tags CONTAINS 'hot' AND attributes CONTAINS KEY 'size' AND attributes['size'] = 'small' ALLOW FILTERING",
      'SELECT customer, placed, count(*), min(price), max(price), sum(price), avg(price) FROM shop.orders GROUP BY customer, placed',
      'SELECT JSON item, tags FROM shop.orders',
      "SELECT writetime(price), ttl(price), maxwritetime(tags), writetime(tags), tags['hot'], attributes['a'..'z'] FROM shop.orders",
      'SELECT price * 2 + 1, -price, (price + 1) / 3, placed + 1d, cast(price AS text), (text)item FROM shop.orders',
      'SELECT token(customer), toTimestamp(now()), toDate(placed), toUnixTimestamp(placed), currentTimestamp(), uuid(), minTimeuuid(placed), textAsBlob(item), blobAsText(textAsBlob(item)) FROM shop.orders',
      'SELECT mask_inner(item, 1, 1), mask_default(price), mask_hash(item), mask_replace(item, null), system.abs(price) FROM shop.orders',
      'SELECT toJson(tags), map_keys(attributes), map_values(attributes), collection_count(tags), collection_sum(steps), abs(price), round(1.5) FROM shop.orders WHERE customer = 00000000-0000-4000-8000-000000000009',
    ].map((statement) => statement.replace('abs(price), ', 'abs(-5), ')),
    refused: [
      refused('the function floor', 'SELECT floor(placed, 1h) FROM shop.orders'),
      refused('exp of a decimal', 'SELECT exp(price) FROM shop.orders'),
    ],
  },
  {
    title: 'The rest',
    about:
      '`DESCRIBE` is answered by the server, as `cqlsh` asks it since Cassandra 4. One user; without credentials only this machine is listened to.',
    supported: [
      'DESCRIBE CLUSTER',
      'DESCRIBE KEYSPACES',
      'DESCRIBE KEYSPACE shop',
      'DESCRIBE ONLY KEYSPACE shop',
      'DESCRIBE TABLES',
      'DESCRIBE TABLE shop.orders',
      'DESCRIBE SCHEMA',
      'DESCRIBE FULL SCHEMA WITH INTERNALS',
      'DESCRIBE shop.orders',
      "SELECT * FROM system_schema.columns WHERE keyspace_name = 'shop'",
      'SELECT * FROM system.local',
      'DROP KEYSPACE shop',
    ],
    refused: [
      refused('CREATE of a role', 'CREATE ROLE someone'),
      refused('CREATE of a user', 'CREATE USER someone'),
      refused('GRANT', 'GRANT SELECT ON shop.orders TO someone'),
      refused('REVOKE', 'REVOKE SELECT ON shop.orders FROM someone'),
      refused('LIST', 'LIST ROLES'),
    ],
  },
]
