import { engines } from '../../tools/engines/index.ts'
import { judgeQueryShell } from '../harness/query-shell.ts'
import { describeOn } from './available.ts'

describeOn(['cassandra5'], 'millrace query on Cassandra 5', () =>
  judgeQueryShell(async () => {
    const cassandra = await engines.cassandra5()
    return { address: cassandra.contactPoint, [Symbol.asyncDispose]: async () => cassandra[Symbol.asyncDispose]() }
  }, 'shell'),
)
