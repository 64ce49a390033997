import type { Batch } from '../../core/index.ts'
import type { OutgoingRecord, SourceKafka, SourceProducer } from './kafka-port.ts'

export interface ScriptedKafka extends SourceKafka {
  /** Records by topic, as they were acknowledged. */
  topics: Map<string, OutgoingRecord[]>
  /** Asked before each `send`; throws or waits to play a sick broker. */
  beforeSend: (records: OutgoingRecord[]) => Promise<void> | void
}

/** Kafka in memory, as far as a source needs it. For tests. */
export function scriptedKafka(): ScriptedKafka {
  const topics = new Map<string, OutgoingRecord[]>()
  const kafka: ScriptedKafka = {
    topics,
    beforeSend: () => {},
    admin: {
      createTopics: (wanted) => {
        for (const { name } of wanted) if (!topics.has(name)) topics.set(name, [])
        return Promise.resolve()
      },
    },
    producer: (): SourceProducer => ({
      send: async (records) => {
        await kafka.beforeSend(records)
        for (const record of records) topics.set(record.topic, [...(topics.get(record.topic) ?? []), record])
      },
      close: () => Promise.resolve(),
    }),
    reader: ({ topic }) => {
      let wasRead = false
      return {
        poll: () => {
          wasRead = true
          return Promise.resolve([batchOf(topic, topics.get(topic) ?? [])])
        },
        atEnd: () => wasRead,
        close: () => Promise.resolve(),
      }
    },
  }
  return kafka
}

function batchOf(topic: string, records: readonly OutgoingRecord[]): Batch {
  const count = records.length
  const parts: Uint8Array[] = []
  let end = 0
  const add = (bytes: Uint8Array | null): [number, number] => {
    if (bytes === null) return [-1, -1]
    parts.push(bytes)
    end += bytes.byteLength
    return [end - bytes.byteLength, end]
  }
  const at = records.map(({ key, value }) => ({ key: add(key === null ? null : Buffer.from(key)), value: add(value) }))
  return {
    topic,
    partition: 0,
    leaderEpoch: 0,
    bytes: Buffer.concat(parts),
    count,
    keyAt: Int32Array.from(at.flatMap(({ key }) => key)),
    valueAt: Int32Array.from(at.flatMap(({ value }) => value)),
    offsets: BigInt64Array.from(records, (_, i) => BigInt(i)),
    timestampMs: new Float64Array(count),
    writeMicros: new BigInt64Array(count),
    headers: (i) => records[i]?.headers ?? [],
    nextOffset: BigInt(count),
    highWatermark: BigInt(count),
  }
}
