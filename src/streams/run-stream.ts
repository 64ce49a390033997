import type { LoadedStream, Sink, StreamStatus } from '../core/index.ts'
import { jsonCodec, type ValueCodec } from '../formats/index.ts'
import { systemClock, type Clock, type Logger } from '../platform/index.ts'
import type { StreamKafka } from './kafka-ports.ts'
import { StreamRun } from './stream-run.ts'

export interface RunStreamOptions {
  project: string
  stream: LoadedStream
  kafka: StreamKafka
  /** Opened and closed by the caller. */
  sink: Sink<Record<string, unknown>>
  /** How the topic's values are written. JSON when left out. */
  values?: ValueCodec
  /** Called on every change of state and once a second, the last time with state `stopped`. */
  onStatus(status: StreamStatus): void
  log: Logger
  /** Aborting it stops gracefully: the batches in hand are finished (at most 5 s), offsets committed, the group left. */
  signal: AbortSignal
  /** Makes it a static member (KIP-345) of that id: whoever runs this stream under it next takes over without waiting for the session to end. */
  instance?: string
  clock?: Clock
}

/**
 * Runs a stream until `signal` aborts: topic → decode → validate → steps → table, each key's last version in the topic's
 * order (P2), what fails to the dead-letter topic (P5), a sick broker or table waited for (P6).
 *
 * Rejects with what stopped it: DEFINITION_INVALID, DEAD_LETTER_LIMIT (before the offsets of the batch that passed it, and
 * without its dead letters), OFFSET_OUT_OF_RANGE, or an error of broker or table that waiting cannot cure.
 */
export async function runStream(options: RunStreamOptions): Promise<void> {
  const onStatus = (status: StreamStatus): void => options.onStatus(status)
  await new StreamRun(
    Object.freeze({ ...options, onStatus, values: options.values ?? jsonCodec, clock: options.clock ?? systemClock }),
  ).run()
}
