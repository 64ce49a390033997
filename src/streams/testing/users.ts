import type { LoadedStream, ParseResult, RetryPolicy, StepFunction, StreamNode, TableDef, TopicDef } from '../../core/index.ts'

/** The small cousin of the reference job's user. */
export function parseUser(value: unknown): ParseResult {
  if (typeof value !== 'object' || value === null) return { ok: false, problems: [{ path: '', message: 'expected an object' }] }
  const problems: { path: string; message: string }[] = []
  if (!('id' in value) || typeof value.id !== 'string') problems.push({ path: 'id', message: 'expected text' })
  if (!('name' in value) || typeof value.name !== 'string') problems.push({ path: 'name', message: 'expected text' })
  return problems.length === 0 ? { ok: true, value } : { ok: false, problems }
}

export const usersTopic: TopicDef = { name: 'users', schema: 'User', key: ['id'], partitions: 2, format: 'json', configs: {} }

export const usersTable: TableDef = {
  kind: 'cassandra',
  keyspace: 'app',
  name: 'users',
  schema: 'User',
  columns: [
    { name: 'id', type: { is: 'text' }, nullable: false },
    { name: 'name', type: { is: 'text' }, nullable: true },
  ],
  partitionKey: ['id'],
  clusteringKey: [],
}

export interface TestStep {
  is: 'map' | 'filter' | 'each' | 'validate'
  fn: StepFunction
  retry?: Partial<RetryPolicy>
  timeoutMs?: number
}

/** users → steps → app.users; step ids are `map-1`, `filter-2`, … */
export function usersStream(
  steps: readonly TestStep[] = [],
  change: {
    topic?: Partial<TopicDef>
    table?: Partial<TableDef>
    limit?: LoadedStream['topology']['deadLetterLimit']
    commitIntervalMs?: number
  } = {},
): LoadedStream {
  const topic = { ...usersTopic, ...change.topic }
  const functions = new Map<string, StepFunction>()
  const nodes: StreamNode[] = [{ id: 'source', is: 'source', topic: topic.name, startingOffsets: 'earliest' }]
  for (const [i, { is, fn, retry, timeoutMs }] of steps.entries()) {
    const id = `${is}-${i + 1}`
    functions.set(id, fn)
    const ref = { module: 'users.pipeline.ts', export: 'load', node: id, digest: '' }
    nodes.push({ id, is, fn: ref, retry: { retries: 0, delayMs: 1, maxDelayMs: 2, ...retry }, timeoutMs: timeoutMs ?? null })
  }
  nodes.push({ id: 'sink', is: 'sink', table: 'app.users', autoCreate: false, autoEvolve: 'off' })
  return {
    topology: {
      name: 'load',
      nodes,
      edges: nodes.slice(1).map((node, i) => [nodes[i]?.id ?? '', node.id]),
      deadLetterLimit: change.limit ?? { window: 1_000, ratio: 0.5, atLeast: 100 },
      commitIntervalMs: change.commitIntervalMs ?? 5,
      at: null,
    },
    topic,
    table: { ...usersTable, ...change.table },
    functions,
    parse: parseUser,
  }
}

/** Time of the first of `someUsers`, ms. */
export const usersAt = 1_700_000_000_000

/** Users u0, u1, …, a millisecond apart. */
export function someUsers(count: number, from = 0): { key: string; value: { id: string; name: string }; timestampMs: number }[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `u${from + i}`,
    value: { id: `u${from + i}`, name: `n${from + i}` },
    timestampMs: usersAt + i,
  }))
}
