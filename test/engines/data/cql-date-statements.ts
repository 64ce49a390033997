import type { CqlFamily } from './cql-statements.ts'

/** Milliseconds around the change of calendars, the years 1 and 10000, where JavaScript's dates end, and where CQL's do. */
const times = [
  '-12219292800000',
  '-12219292800001',
  '-62135769600000',
  '-62135769600001',
  '253402300799999',
  '253402300800000',
  '8640000000000001',
  '9223372036854775807',
  '-9223372036854775808',
]
/** Days as they are stored: the epoch is 2^31. */
const days = ['2147483648', '2147342220', '2146764119', '2146764120', '2150416545', '0', '4294967295', '2147483647', '2146764121']

/** Dates and times as text, beyond what JavaScript has dates for. */
export const cqlDateFamilies: readonly CqlFamily[] = [
  {
    name: 'dates of all ages as text',
    statements: [
      "CREATE KEYSPACE ages WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      'CREATE TABLE ages.t (id int PRIMARY KEY, ts timestamp, d date)',
      ...times.map((time, id) => `INSERT INTO ages.t (id, ts, d) VALUES (${id}, ${time}, ${days[id] ?? '0'})`),
      ...times.flatMap((_, id) => [
        `SELECT JSON ts FROM ages.t WHERE id = ${id}`,
        `SELECT JSON d FROM ages.t WHERE id = ${id}`,
        `SELECT cast(ts AS text) FROM ages.t WHERE id = ${id}`,
        `SELECT cast(d AS text) FROM ages.t WHERE id = ${id}`,
      ]),
      'DROP KEYSPACE ages',
    ],
  },
]
