import { engines } from '../../tools/engines/index.ts'
import { judgeTableFiles } from '../harness/table-files.ts'
import { describeOn } from './available.ts'

describeOn(['cassandra5'], 'millrace tables export and import on Cassandra 5', () =>
  judgeTableFiles(async () => {
    const cassandra = await engines.cassandra5()
    return { address: cassandra.contactPoint, [Symbol.asyncDispose]: async () => cassandra[Symbol.asyncDispose]() }
  }),
)
