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
    of: 'prepare IN as several markers',
    is: 'meant',
    reason: 'Cassandra names the last marker of an IN as the partition key; a driver would route by one of many keys. We name none.',
  },
  {
    of: 'execute with unset in WHERE',
    is: 'meant',
    reason: 'Cassandra reads "b > null", bound, as if there were no bound, while it refuses the literal. We refuse both.',
  },
  {
    of: 'SELECT i + 1, i * 2, i % 3, -i FROM d.types WHERE id = 1',
    is: 'meant',
    reason: "Cassandra's lexer takes -i for the beginning of -infinity; we negate the column, as it does with any other name.",
  },
  {
    of: 'SELECT p,c,d,s FROM ib.t WHERE s = 5 AND p = 1 AND c = 1',
    is: 'meant',
    reason:
      'With an index on a static column Cassandra finds no row by its clustering columns, though it is there; without the index it does.',
  },
  {
    of: 'SELECT p,q,c FROM ic.k WHERE s = 1 AND p = 1 AND q = 1 AND c = 1',
    is: 'meant',
    reason: 'As above.',
  },
  {
    of: 'an AUTH_RESPONSE nobody asked for',
    is: 'meant',
    reason: 'Cassandra without authentication says AUTH_SUCCESS to it; we answer PROTOCOL_ERROR, as for every message out of turn.',
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
  'CREATE of a user-defined function': experimental,
  'CREATE of a user-defined type': later,
  'a counter batch': later,
  'a counter column': later,
  'a SASI index': experimental,
  'a storage-attached index': 'not there yet; the index that Cassandra makes when none is named answers equalities',
}

const partOfABatch =
  'Kafka fills the answer up with a part of the next batch, which every client throws away; here answers end with a batch.'

export const kafkaDifferences: readonly Difference[] = [
  {
    of: 'set a quota',
    is: 'meant',
    on: 'Kafka 4',
    reason: 'Nobody is throttled here: a quota that holds nobody back is refused (POLICY_VIOLATION), not kept.',
  },
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
