import { judgeCqlClient } from '../harness/cql-client-suite.ts'
import { describeOn } from './available.ts'
import { startCassandra5 } from './cassandra-address.ts'

describeOn(['cassandra5'], 'cql-client on Cassandra 5', () => judgeCqlClient(startCassandra5))
