import { bytesAt, type Batch, type TopicDef, type TopicPolicy, type ValueFormat } from '../../core/index.ts'
import { framedId, jsonCodec } from '../../formats/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import type { StandingTopic } from '../kafka/ensure-topics.ts'
import type { TopicRecord } from './definitions-log.ts'

/** How a topic's values are written, and who says so. */
export interface FormatChoice {
  format: ValueFormat
  by: 'record' | 'its records' | 'topic' | 'config' | 'default'
  /** Why the definition cannot have what it asks for, and what to do. */
  problem: string | null
}

/** So many records are looked at to tell how a topic is written of which no record is kept. */
const lookedAt = 200

/**
 * A topic that is there keeps the format of its record; one of which none is kept (Millrace's first version wrote JSON and kept none; others may
 * have made it) the format that its records show; a new one has what it asks for, else what the config says, else Avro where there is a registry.
 */
export async function chooseFormat(
  kafka: Pick<KafkaClient, 'reader'>,
  topic: TopicDef,
  standing: StandingTopic | null,
  known: { record: TopicRecord | undefined; policy: TopicPolicy | undefined; hasRegistry: boolean },
  signal: AbortSignal,
): Promise<FormatChoice> {
  const asked = topic.format
  if (standing !== null) {
    const { record } = known
    const isSame = record && (record.topicId === null || standing.topicId === null || record.topicId === standing.topicId)
    const kept = isSame ? record.format : await formatOfRecords(kafka, topic.name, signal)
    if (kept !== null) {
      const problem = asked === undefined || asked === kept ? null : formatProblem(topic.name, kept, asked)
      return { format: kept, by: isSame ? 'record' : 'its records', problem }
    }
  }
  if (asked !== undefined) return { format: asked, by: 'topic', problem: null }
  if (known.policy?.format !== undefined) return { format: known.policy.format, by: 'config', problem: null }
  return { format: known.hasRegistry ? 'avro' : 'json', by: 'default', problem: null }
}

function formatProblem(topic: string, kept: ValueFormat, asked: ValueFormat): string {
  const next = `${topic.replace(/_v\d+$/, '')}_v2`
  return (
    `topic ${topic} is written as ${kept}, and its definition asks for ${asked}: a topic's format does not change, since its readers would not know what is what. ` +
    `Write format: '${kept}'; or name a new topic for ${asked}, topic('${next}', …); or, if its records may go, run "millrace topics delete ${topic}" first`
  )
}

/** What the first records show that show anything; null: none do. */
async function formatOfRecords(kafka: Pick<KafkaClient, 'reader'>, topic: string, signal: AbortSignal): Promise<ValueFormat | null> {
  const reader = kafka.reader({ topic, from: 'earliest', maxWaitMs: 10 })
  let seen = 0
  try {
    do {
      for (const batch of await reader.poll({ signal })) {
        const found = formatOfBatch(batch)
        if (found !== null) return found
        seen += batch.count
      }
    } while (seen < lookedAt && !reader.atEnd())
  } finally {
    await reader.close()
  }
  return null
}

function formatOfBatch(batch: Batch): ValueFormat | null {
  for (let i = 0; i < batch.count; i++) {
    const value = bytesAt(batch, batch.valueAt, i)
    if (value === null) continue
    if (framedId(value) !== null) return 'avro'
    if (jsonCodec.decode(value).ok) return 'json'
  }
  return null
}
