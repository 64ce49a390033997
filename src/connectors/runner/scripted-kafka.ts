import type { Batch } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { OutgoingRecord, SourceKafka, SourceTransactions } from './kafka-port.ts'

/** What becomes of a commit: done and told, done or not done without an answer, not done with a refusal. */
export type CommitVerdict = 'done' | 'done, unknown' | 'not done, unknown' | 'refused'

export interface ScriptedKafka extends SourceKafka {
  /** Records by topic, as they were committed. */
  topics: Map<string, OutgoingRecord[]>
  /** Asked before each commit with all records of the transaction; throws or waits to play a sick broker. */
  beforeCommit: (records: OutgoingRecord[]) => Promise<CommitVerdict | void> | CommitVerdict | void
}

/** Kafka in memory, as far as a source needs it. For tests. */
export function scriptedKafka(): ScriptedKafka {
  const topics = new Map<string, OutgoingRecord[]>()
  const epochs = new Map<string, number>()
  const kafka: ScriptedKafka = {
    topics,
    beforeCommit: () => {},
    admin: {
      createTopics: (wanted) => {
        for (const { name } of wanted) if (!topics.has(name)) topics.set(name, [])
        return Promise.resolve()
      },
      listOffsets: (partitions) => Promise.resolve(partitions.map(({ topic }) => ({ offset: BigInt(topics.get(topic)?.length ?? 0) }))),
    },
    transactionalProducer: ({ transactionalId }) => new ScriptedTransactions(kafka, epochs, transactionalId),
    reader: ({ topic }) => {
      let wasRead = false
      return {
        poll: () => {
          wasRead = true
          return Promise.resolve([batchOf(topic, topics.get(topic) ?? [])])
        },
        atEnd: () => wasRead,
        positions: () => [{ partition: 0, offset: BigInt(topics.get(topic)?.length ?? 0) }],
        close: () => Promise.resolve(),
      }
    },
  }
  return kafka
}

class ScriptedTransactions implements SourceTransactions {
  state: SourceTransactions['state'] = { is: 'new' }
  readonly #kafka: ScriptedKafka
  readonly #epochs: Map<string, number>
  readonly #id: string
  #epoch = -1
  #open: OutgoingRecord[] = []

  constructor(kafka: ScriptedKafka, epochs: Map<string, number>, id: string) {
    this.#kafka = kafka
    this.#epochs = epochs
    this.#id = id
  }

  init(): Promise<void> {
    this.#epoch = (this.#epochs.get(this.#id) ?? -1) + 1
    this.#epochs.set(this.#id, this.#epoch)
    this.state = { is: 'ready' }
    return Promise.resolve()
  }

  async begin(): Promise<void> {
    this.#open = []
    this.state = { is: 'open' }
  }

  async send(records: OutgoingRecord[]): Promise<void> {
    this.#open.push(...records)
  }

  async commit(): Promise<void> {
    try {
      const verdict = (await this.#kafka.beforeCommit(this.#open)) ?? 'done'
      if (this.#epochs.get(this.#id) !== this.#epoch) throw this.#end('failed', new MillraceError('PRODUCER_FENCED', 'fenced'))
      if (verdict === 'done' || verdict === 'done, unknown') this.#write()
      if (verdict !== 'done' && verdict !== 'refused') throw this.#end('in doubt', new MillraceError('TIMED_OUT', 'no answer'))
      if (verdict === 'refused') throw this.#end('spoiled', new MillraceError('KAFKA_RETRIABLE', 'not enough replicas'))
      this.state = { is: 'ready' }
    } catch (error) {
      if (this.state.is === 'open') this.state = { is: 'spoiled' }
      throw error
    }
  }

  async abort(): Promise<void> {
    this.#open = []
    this.state = { is: 'ready' }
  }

  async close(): Promise<void> {
    this.state = { is: 'closed' }
  }

  #end(is: string, error: MillraceError): MillraceError {
    this.state = { is, error }
    return error
  }

  #write(): void {
    const { topics } = this.#kafka
    for (const record of this.#open) topics.set(record.topic, [...(topics.get(record.topic) ?? []), record])
  }
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
