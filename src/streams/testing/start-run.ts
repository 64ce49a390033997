import type { LoadedStream, Sink, StreamStatus } from '../../core/index.ts'
import type { ValueCodec } from '../../formats/index.ts'
import { silentLogger } from '../../platform/index.ts'
import type { StreamKafka } from '../kafka-ports.ts'
import { runStream } from '../run-stream.ts'
import type { ScriptedKafka } from './scripted-kafka.ts'
import type { Row } from '../process-batch.ts'

export interface TestRun {
  /** Of `runStream`. */
  ended: Promise<void>
  stop(): Promise<void>
  statuses: StreamStatus[]
  last(): StreamStatus
}

/** Runs a stream of project `shop` on the scripted Kafka, keeping what it reports. */
export function startRun({
  kafka,
  table,
  stream,
  values,
}: {
  kafka: ScriptedKafka | StreamKafka
  table: Sink<Row>
  stream: LoadedStream
  values?: ValueCodec
}): TestRun {
  const stopping = new AbortController()
  const statuses: StreamStatus[] = []
  let peek: StreamStatus | null = null
  const ended = runStream({
    project: 'shop',
    stream,
    kafka: 'client' in kafka ? kafka.client() : kafka,
    sink: table,
    ...(values ? { values } : {}),
    onStatus: (status) => {
      peek = status
      statuses.push(status)
    },
    log: silentLogger,
    signal: stopping.signal,
  })
  ended.catch(() => {}) // each test awaits it where it matters
  return {
    ended,
    statuses,
    stop: () => {
      stopping.abort()
      return ended
    },
    last: () => {
      if (!peek) throw new Error('no status yet')
      return peek
    },
  }
}
