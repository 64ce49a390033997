import { connectCassandra } from '../src/cql-client/index.ts'
import { createBenchProject } from './project.ts'

/** Seconds from the start of the command to the first row in the table, on a second start (caches warm) with an empty table. */
export async function benchFirstRow(runs = 5): Promise<number[]> {
  const seconds: number[] = []
  for (let i = 0; i <= runs; i++) {
    const project = createBenchProject("every: '1s', for: '60s'")
    try {
      const started = project.start()
      const client = await project.api()
      const { endpoints } = await client.endpoints()
      await using session = await connectCassandra(endpoints.cassandra)
      for (;;) {
        const rows = await session.query('SELECT id FROM spark_streams.created_users LIMIT 1').then(
          (result) => result.rows.length,
          () => 0,
        )
        if (rows > 0) break
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      // The first run fills the compile cache and is not counted.
      if (i > 0) seconds.push((performance.now() - started.startedMs) / 1_000)
      await started.stop()
    } finally {
      project.remove()
    }
  }
  return seconds
}
