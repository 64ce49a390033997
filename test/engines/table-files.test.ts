import { judgeTableFiles } from '../harness/table-files.ts'
import { describeOn } from './available.ts'
import { startCassandra5 } from './cassandra-address.ts'

describeOn(['cassandra5'], 'millrace tables export and import on Cassandra 5', () => judgeTableFiles(startCassandra5))
