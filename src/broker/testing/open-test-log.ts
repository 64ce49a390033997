import { encodeBatch } from '../../kafka-wire/index.ts'
import { createLogger, type Clock, type Disk } from '../../platform/index.ts'
import { openLog, type OpenedLog } from '../log/open-log.ts'
import { parseTopicConfig } from '../topics/topic-configs.ts'
import { ManualClock } from './manual-clock.ts'

/** Opens the log of `t-0` in `/data/t-0` with settings of a topic. */
export function openTestLog(
  disk: Disk,
  options: {
    recoveryPoint?: number
    cleanedTo?: number
    logStartOffset?: number
    leaderEpoch?: number
    flush?: 'sync' | 'os'
    clock?: Clock
    configs?: Record<string, string>
    lines?: string[]
  } = {},
): Promise<OpenedLog> {
  const {
    recoveryPoint = 0,
    cleanedTo = 0,
    logStartOffset = 0,
    leaderEpoch = 0,
    flush = 'sync',
    clock = new ManualClock(),
    configs = {},
    lines = [],
  } = options
  const context = { disk, clock, flush, leaderEpoch, log: createLogger((line) => lines.push(line)) }
  return openLog(
    context,
    { topic: 't', partition: 0, dir: '/data/t-0', recoveryPoint, cleanedTo, logStartOffset },
    parseTopicConfig(configs, () => null),
  )
}

/** One batch of records with values `value0`, `value1`, …; idempotent when a producer is given. */
export function testBatch(
  count: number,
  options: { value?: string; timestampMs?: number; producerId?: number; epoch?: number; sequence?: number; transactional?: boolean } = {},
): Uint8Array {
  const { value = 'value', timestampMs = 1_700_000_000_000, producerId, epoch = 0, sequence = 0, transactional = false } = options
  const records = Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`k${i}`),
    value: Buffer.from(`${value}${i}`),
    timestampMs: timestampMs + i,
  }))
  const idempotent =
    producerId === undefined
      ? {}
      : { producerId: BigInt(producerId), producerEpoch: epoch, baseSequence: sequence, isTransactional: transactional }
  return encodeBatch({ records, compression: 'none', ...idempotent })
}
