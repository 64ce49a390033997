import type { Topic } from '../authoring/index.ts'
import { encodeRecord, openTopicValues, topicMaker, wantedTopic } from '../connectors/index.ts'
import { definition, type Header, type SchemaDef, type TopicDef } from '../core/index.ts'
import type { ValueCodec } from '../formats/index.ts'
import type { KafkaClient, OutgoingRecord } from '../kafka-client/index.ts'
import { RecordInvalidError, type RecordProblem } from './record-invalid.ts'
import type { Systems } from './systems.ts'

export interface ProduceOptions {
  /** Texts are written as UTF-8. */
  headers?: Readonly<Record<string, string | Uint8Array>>
  /** Time of the records, ms since 1970. Default: now. */
  timestampMs?: number
}

/** Makes values into records of their topics. */
export class TopicRecords {
  readonly #systems: Systems
  readonly #codecs = new Map<TopicDef, Promise<ValueCodec>>()

  constructor(systems: Systems) {
    this.#systems = systems
  }

  /**
   * Rejects RECORD_INVALID with every problem of every value; NOT_FOUND without the topic where none may be made; SCHEMA_INCOMPATIBLE; with a
   * retriable error while Kafka or the registry is away. Calls for one topic are answered in their order.
   */
  async of<In>(topic: Topic<In, unknown>, values: readonly In[], options: ProduceOptions = {}): Promise<OutgoingRecord[]> {
    const { def, schema } = topic[definition]
    const { parse } = topic.value[definition]
    const codec = await this.#codecOf(def, schema)
    const headers = headersOf(options)
    const problems: RecordProblem[] = []
    const records: OutgoingRecord[] = []
    for (const [index, value] of values.entries()) {
      const encoded = encodeRecord(def, parse, codec, value)
      if (!encoded.ok) problems.push(...encoded.problems.map((problem) => ({ index, ...problem })))
      else {
        const { timestampMs } = options
        const record = { topic: def.name, key: encoded.key, value: encoded.value, headers }
        records.push(timestampMs === undefined ? record : { ...record, timestampMs })
      }
    }
    if (problems.length > 0) throw new RecordInvalidError(def.name, def.schema, values.length, problems)
    return records
  }

  #codecOf(topic: TopicDef, schema: SchemaDef): Promise<ValueCodec> {
    const known = this.#codecs.get(topic)
    if (known) return known
    const opening = this.#open(topic, schema).catch((error: unknown) => {
      this.#codecs.delete(topic)
      throw error
    })
    this.#codecs.set(topic, opening)
    return opening
  }

  async #open(topic: TopicDef, schema: SchemaDef): Promise<ValueCodec> {
    const { where, registry, closing, log } = this.#systems
    const kafka: KafkaClient = await this.#systems.kafka()
    const policy = where.endpoints.kafka.topics
    const createTopics = topicMaker(kafka.admin, policy)
    await createTopics([wantedTopic(topic, policy)])
    const line = (text: string): void => log.info(text, { topic: topic.name })
    return openTopicValues({ kafka, registry, policy, project: where.project, topic, schema, createTopics, signal: closing, log: line })
  }
}

function headersOf({ headers = {} }: ProduceOptions): Header[] {
  return Object.entries(headers).map(([key, value]) => ({ key, value: typeof value === 'string' ? Buffer.from(value) : value }))
}
