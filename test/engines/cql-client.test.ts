import { engines } from '../../tools/engines/index.ts'
import { judgeCqlClient } from '../harness/cql-client-suite.ts'
import { describeOn } from './available.ts'

describeOn(['cassandra5'], 'cql-client on Cassandra 5', () =>
  judgeCqlClient(async () => {
    const cassandra = await engines.cassandra5()
    return { address: cassandra.contactPoint, [Symbol.asyncDispose]: async () => cassandra[Symbol.asyncDispose]() }
  }),
)
