import type { BoundFlow } from 'millrace'
import { runSource, type SourceRun } from '../../src/connectors/index.ts'
import { definition } from '../../src/core/index.ts'
import { connectKafka } from '../../src/kafka-client/index.ts'

export interface RunFlow {
  bootstrapServers: string
  /** Names the run, as a header of each record does. */
  run?: string
  projectDir?: string
  randomUserUrl?: string
  signal?: AbortSignal
  onLine?: (line: string) => void
  onProgress?: (done: number) => void
}

/** Runs a flow as a task does that returns it, into a Kafka; values are JSON. */
export async function runFlow(flow: BoundFlow, options: RunFlow): Promise<SourceRun> {
  const { bootstrapServers, run = 'run', projectDir = '/', randomUserUrl = '', onLine = () => {}, onProgress = () => {} } = options
  const connect = () => connectKafka({ bootstrapServers: [bootstrapServers], clientId: run })
  await using kafka = await connect()
  return await runSource({
    flow: flow[definition].flow,
    project: 'flows',
    endpoints: {
      kafka: { bootstrapServers: [bootstrapServers] },
      registry: null,
      randomUser: { url: randomUserUrl, is: 'local', why: 'a test', seed: 's' },
      projectDir,
    },
    run: { dagId: 'flows', runId: run, attempt: 1 },
    kafka,
    connectKafka: connect,
    signal: options.signal ?? new AbortController().signal,
    log: onLine,
    progress: onProgress,
  })
}
