/**
 * Where an embedded part answers otherwise than the real system. What is not listed here fails the differential suites, and so does what
 * is listed but answers the same by now. `meant`: it stays so. `defect`: known, to be mended.
 */
export interface Difference {
  /** The statement, or the name of the action or setting, as the suite has it. */
  readonly of: string
  readonly is: 'meant' | 'defect'
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

export const kafkaDifferences: readonly Difference[] = [
  {
    of: 'config message.timestamp.after.max.ms',
    is: 'defect',
    reason: 'Since 4.0 (KIP-1030) the default is one hour, so that a record of the far future cannot keep its segment for ever.',
  },
  {
    of: 'config min.insync.replicas',
    is: 'meant',
    reason: "Kafka 4 keeps it as the cluster's own setting since eligible leader replicas (KIP-966) are on; the value is the same.",
  },
  {
    of: 'field abortedTransactions',
    is: 'defect',
    reason: 'Kafka leaves it null for readers of uncommitted records; an empty list says the same to clients.',
  },
  { of: 'create only to validate', is: 'meant', reason: 'Kafka makes up an id for a topic that it does not create.' },
  {
    of: 'create with a name that collides',
    is: 'defect',
    reason: 'Kafka refuses "a_b" where "a.b" is (INVALID_TOPIC_EXCEPTION): a project that has both works here only.',
  },
  { of: 'produce a cut batch', is: 'defect', reason: 'Kafka answers INVALID_RECORD, not CORRUPT_MESSAGE.' },
  {
    of: 'produce a keyless record to a compacted topic',
    is: 'defect',
    reason: 'The same error code, but Kafka names the record in recordErrors and says logStartOffset.',
  },
  { of: 'produce control records', is: 'defect', reason: 'The same error code, but Kafka says logStartOffset.' },
  {
    of: 'produce within no transaction',
    is: 'defect',
    reason: 'Kafka answers TRANSACTIONAL_ID_AUTHORIZATION_FAILED, not INVALID_TXN_STATE; comes with transactions.',
  },
  { of: 'fetch beyond the end', is: 'meant', reason: 'Kafka leaves out the high watermark; knowing it helps whoever reads the answer.' },
  { of: 'fetch before the start', is: 'meant', reason: 'Kafka leaves out the high watermark; knowing it helps whoever reads the answer.' },
  {
    of: 'fetch with a leader epoch to come',
    is: 'meant',
    reason: 'Kafka leaves out the high watermark; knowing it helps whoever reads the answer.',
  },
  {
    of: 'produce a batch twice',
    is: 'defect',
    reason: 'Kafka answers a doubled batch with the time of its last record as logAppendTimeMs; clients do not use it with CreateTime.',
  },
  {
    of: 'produce a record of the far future',
    is: 'defect',
    reason: 'Kafka refuses it as INVALID_TIMESTAMP (message.timestamp.after.max.ms is one hour).',
  },
  {
    of: 'join again with other protocols',
    is: 'defect',
    reason: 'Kafka answers INCONSISTENT_GROUP_PROTOCOL to the only member of a group too.',
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
