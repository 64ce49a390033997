/**
 * Where an embedded part answers otherwise than the real system. What is not listed here fails the differential suites, and so does what
 * is listed but answers the same by now. `meant`: it stays so. `defect`: known, to be mended.
 */
export interface Difference {
  /** The statement, or the name of the action or setting, as the suite has it. */
  readonly of: string
  readonly is: 'meant' | 'defect'
  /** The only system it shows on; all of them where nothing is said. */
  readonly on?: 'Kafka 4' | 'Kafka 3.9'
  readonly reason: string
}

export const cqlDifferences: readonly Difference[] = [
  {
    of: 'SELECT p FROM d.e WHERE p = 3 LIMIT 1 // without an end of line',
    is: 'meant',
    reason: "Cassandra's grammar wants a line break after a comment, even at the end of the statement; leaving it out harms nobody.",
  },
  {
    of: 'SELECT key, bootstrapped, cql_version, data_center, native_protocol_version, partitioner, rack FROM system.local',
    is: 'meant',
    reason: 'The table store speaks protocol version 4 (Cassandra 5), and says so.',
  },
  {
    of: "INSERT INTO system.local (key) VALUES ('x')",
    is: 'meant',
    reason: 'system tables are made from the state of the store; writing into them would be lost in silence.',
  },
  {
    of: "CREATE KEYSPACE e WITH replication = {'class': 'SimpleStrategy'}",
    is: 'defect',
    reason: 'Cassandra takes default_keyspace_rf (1) when no replication factor is given.',
  },
  {
    of: 'CREATE TABLE d.twokeys (id uuid PRIMARY KEY, b int, PRIMARY KEY (b))',
    is: 'defect',
    reason: 'Cassandra answers INVALID, not SYNTAX_ERROR.',
  },
  {
    of: 'CREATE TABLE d.badoption (id int PRIMARY KEY) WITH no_such_option = 1',
    is: 'defect',
    reason: 'Cassandra answers SYNTAX_ERROR, not CONFIG_ERROR.',
  },
  { of: 'DELETE FROM d.w', is: 'defect', reason: 'A missing WHERE is a SYNTAX_ERROR, not INVALID.' },
  { of: 'UPDATE d.w SET a = 5', is: 'defect', reason: 'A missing WHERE is a SYNTAX_ERROR, not INVALID.' },
  { of: 'UPDATE d.w SET a = 1, a = 2 WHERE id = 1', is: 'defect', reason: 'A column set twice is a SYNTAX_ERROR, not INVALID.' },
  {
    of: 'SELECT blobAsInt(bl) FROM d.types WHERE id = 1',
    is: 'defect',
    reason: 'A blob of the wrong length is handed out as an int, at which drivers fail; Cassandra answers INVALID.',
  },
  { of: 'SELECT (int) 5 FROM d.types WHERE id = 1', is: 'defect', reason: 'The column is called "(int)5", not "int".' },
  {
    of: "SELECT column_name, type FROM system_schema.columns WHERE keyspace_name = 'system' AND table_name = 'local'",
    is: 'defect',
    reason: 'The keyspace system does not describe its own tables.',
  },
  {
    of: "SELECT column_name, type FROM system_schema.columns WHERE keyspace_name = 'system' AND table_name = 'peers'",
    is: 'defect',
    reason: 'The keyspace system does not describe its own tables.',
  },
]

const later = 'not there yet; the reference job does not need it'
const experimental = 'switched off in Cassandra too, unless its configuration says otherwise'
const oneUser = 'the store has one user; Cassandra without authentication refuses it as well, as UNAUTHORIZED'

/** Features that the table store refuses with INVALID, by the name it says, and why; never ignored. */
export const unsupportedCql: Readonly<Record<string, string>> = {
  'ALTER TABLE ALTER (changing the type of a column)': 'Cassandra refuses it as well, in other words.',
  'CREATE of a materialized view': experimental,
  'CREATE of a role': oneUser,
  GRANT: oneUser,
  LIST: oneUser,
  'CREATE of a secondary index': later,
  'CREATE of a user-defined function': experimental,
  'CREATE of a user-defined type': later,
  'GROUP BY': later,
  'IN on several columns at once': later,
  'INSERT JSON': later,
  'ORDER BY with IN on the partition key': 'Cassandra does it only with paging switched off.',
  'SELECT JSON': later,
  'a conditional statement in a BATCH': later,
  'a counter batch': later,
  'a counter column': later,
  'a relation on several clustering columns of mixed order': later,
  'a restriction on an entry of a map': later,
  'deleting an element of a list by its index': later,
  'removing elements of a list by their value': later,
  'restrictions on both token() and columns of the partition key': later,
  'selecting an element of a collection': later,
  'setting an element of a list by its index': later,
  'the function tojson': later,
  'the operator != in WHERE': 'Cassandra 5.0 refuses it as well, in other words.',
  'writetime of a non-frozen collection': later,
}

const partOfABatch =
  'Kafka fills the answer up with a part of the next batch, which every client throws away; here answers end with a batch.'

export const kafkaDifferences: readonly Difference[] = [
  {
    of: 'config min.insync.replicas',
    is: 'meant',
    reason: "Kafka 4 keeps it as the cluster's own setting since eligible leader replicas (KIP-966) are on; the value is the same.",
  },
  { of: 'create only to validate', is: 'meant', on: 'Kafka 4', reason: 'Kafka makes up an id for a topic that it does not create.' },
  {
    of: 'config message.timestamp.after.max.ms',
    is: 'meant',
    on: 'Kafka 3.9',
    reason: 'Since Kafka 4.0 the default is one hour (KIP-1030), so that a record of the far future cannot keep its segment for ever.',
  },
  { of: 'produce a record of the far future', is: 'meant', on: 'Kafka 3.9', reason: 'message.timestamp.after.max.ms, as above.' },
  {
    of: 'create with an assignment to nobody',
    is: 'meant',
    on: 'Kafka 3.9',
    reason: 'It waits there until the broker comes; here it is refused, as Kafka 4 does.',
  },
  { of: 'create twice in one request', is: 'meant', on: 'Kafka 3.9', reason: 'It answers twice; here once, as Kafka 4 does.' },
  { of: 'fetch deleted records', is: 'meant', reason: 'Kafka leaves out the high watermark; knowing it helps whoever reads the answer.' },
  { of: 'fetch with bytes for two batches', is: 'meant', reason: partOfABatch },
  { of: 'fetch two partitions into few bytes', is: 'meant', reason: partOfABatch },
  {
    of: 'change a config in no known way',
    is: 'meant',
    reason: 'Kafka answers UNKNOWN_SERVER_ERROR to an operation that does not exist; INVALID_CONFIG says what is wrong.',
  },
  { of: 'fetch beyond the end', is: 'meant', reason: 'Kafka leaves out the high watermark; knowing it helps whoever reads the answer.' },
  { of: 'fetch before the start', is: 'meant', reason: 'Kafka leaves out the high watermark; knowing it helps whoever reads the answer.' },
  {
    of: 'fetch with a leader epoch to come',
    is: 'meant',
    reason: 'Kafka leaves out the high watermark; knowing it helps whoever reads the answer.',
  },
]

export const registryDifferences: readonly Difference[] = [
  {
    of: 'decimal scale changed',
    is: 'meant',
    reason: 'Numbers written before would be read as others; Avro says that decimals match only with the same precision and scale.',
  },
  { of: 'decimal precision changed', is: 'meant', reason: 'As for the scale.' },
]
