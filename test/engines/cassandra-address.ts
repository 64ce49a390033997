import { engines } from '../../tools/engines/index.ts'

/** A Cassandra 5, as suites take it that run on the table store too. */
export async function startCassandra5(): Promise<{ address: string } & AsyncDisposable> {
  const cassandra = await engines.cassandra5()
  return { address: cassandra.contactPoint, [Symbol.asyncDispose]: async () => cassandra[Symbol.asyncDispose]() }
}
