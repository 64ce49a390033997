import { judgeQueryShell } from '../harness/query-shell.ts'
import { describeOn } from './available.ts'
import { startCassandra5 } from './cassandra-address.ts'

describeOn(['cassandra5'], 'millrace query on Cassandra 5', () => judgeQueryShell(startCassandra5, 'shell'))
