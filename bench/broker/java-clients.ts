import { kafkaScripts } from '../../tools/engines/jvm.ts'
import { runKafkaTool } from '../../tools/engines/kafka-tools.ts'

/** As Kafka's scripts run them. */
const tuned = { heapMb: { from: 512, to: 512 }, tuning: kafkaScripts }

export interface Load {
  readonly records: number
  readonly recordBytes: number
  /** Null: the producer's own defaults (16 KiB, linger 5 ms). */
  readonly batchBytes: number | null
}

/** ProducerPerformance with acks=all. @returns records a second, as the tool says */
export async function produce(bootstrapServers: string, topic: string, { records, recordBytes, batchBytes }: Load): Promise<number> {
  const batching = batchBytes === null ? [] : [`batch.size=${batchBytes}`, 'linger.ms=5']
  const output = await runKafkaTool(
    'org.apache.kafka.tools.ProducerPerformance',
    [
      ...options({ 'bootstrap-server': bootstrapServers, topic, throughput: -1, 'num-records': records, 'record-size': recordBytes }),
      '--command-property',
      'acks=all',
      ...batching,
    ],
    {},
    tuned,
  )
  const last = output.trim().split('\n').at(-1) ?? ''
  return numberIn(/^(\d+) records sent, ([\d.]+) records\/sec/.exec(last)?.[2], output)
}

/** ConsumerPerformance from the beginning. @returns records a second while it fetches, without joining the group */
export async function consume(bootstrapServers: string, topic: string, records: number): Promise<number> {
  const output = await runKafkaTool(
    'org.apache.kafka.tools.ConsumerPerformance',
    [...options({ 'bootstrap-server': bootstrapServers, topic, 'num-records': records, timeout: 60_000 }), '--hide-header'],
    {},
    tuned,
  )
  return numberIn(output.trim().split('\n').at(-1)?.split(', ').at(-1), output)
}

/** EndToEndLatency with acks=all, one record of 100 bytes at a time. @returns milliseconds */
export async function endToEnd(bootstrapServers: string, topic: string, records: number): Promise<{ p50: number; p99: number }> {
  const output = await runKafkaTool(
    'org.apache.kafka.tools.EndToEndLatency',
    [bootstrapServers, topic, String(records), 'all', '100'],
    {},
    tuned,
  )
  const found = /50th = (\d+), 99th = (\d+)/.exec(output)
  return { p50: numberIn(found?.[1], output), p99: numberIn(found?.[2], output) }
}

function options(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)])
}

function numberIn(text: string | undefined, output: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new Error(`Kafka's tool said something else: ${output}`)
  return value
}
