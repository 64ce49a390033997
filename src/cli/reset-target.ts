import type { ApiClient } from '../api-client/index.ts'
import type { StreamStatus } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { withStoppedOffsets } from '../runtime/index.ts'
import type { Context } from './context.ts'

/** What sets offsets: the running Millrace, which stops its streams for it, or, where none runs, Kafka itself. */
export interface ResetTarget extends Pick<ApiClient, 'streamOffsets' | 'planReset' | 'resetStream' | 'sources' | 'resetSource'> {
  /** Of the running Millrace; null: no stream goes on before it is started. */
  readonly statuses: (() => Promise<readonly StreamStatus[]>) | null
}

/** An address on the command line is asked itself, whatever runs here. */
export async function withResetTarget<T>(context: Context, action: (target: ResetTarget) => Promise<T>): Promise<T> {
  const { api, running, namesKafka, givenKafka, projectDir, withKafka } = context
  if (!givenKafka && (await running()) !== null) {
    const client = await api()
    return action({ ...client, statuses: async () => (await client.status()).streams })
  }
  if (!(await namesKafka()))
    throw new MillraceError(
      'NOT_RUNNING',
      'Millrace is not running, and its Kafka runs inside it: start it with "millrace start", or name a Kafka with --kafka.',
    )
  return withKafka((kafka) =>
    withStoppedOffsets({ projectDir, env: process.env, kafka }, (offsets) => {
      const { signal } = new AbortController()
      return action({
        statuses: null,
        streamOffsets: (stream) => offsets.of(stream),
        planReset: (stream, order) => offsets.plan(stream, order),
        resetStream: (stream, order) => offsets.reset(stream, order),
        sources: () => offsets.cursors(signal),
        resetSource: (source) => offsets.forget(source, signal),
      })
    }),
  )
}
