import type { Command } from 'commander'
import { bytesAt, type Batch, type Json } from '../../core/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import { MillraceError, systemClock } from '../../platform/index.ts'
import type { ValuesForPeople } from '../../runtime/index.ts'
import type { Context } from '../context.ts'
import { findTopic } from '../find-topic.ts'
import type { WithContext } from '../main.ts'
import { wholeNumberOption } from '../options.ts'
import { readLines } from '../standard-input.ts'

export function addRecordCommands(program: Command, context: WithContext): void {
  program
    .command('produce <topic>')
    .description('produce lines of standard input (or --value) as records')
    .option('--key <key>', 'key of each record')
    .option('--value <value>', 'one record with this value, instead of standard input')
    .option('--key-field <field>', "take each record's key from this field of its JSON value")
    .option('--partition <n>', 'partition, instead of choosing by key')
    .option('--raw', 'the bytes as they are, also where values of the topic are Avro')
    .action(async (topic: string, options: ProduceOptions) => {
      const { output, withKafka } = context()
      const produced = await withKafka((kafka, values) => produce(kafka, values, topic, options))
      output.data({ topic, produced })
      output.line(`${produced} produced`)
    })
  program
    .command('consume <topic>')
    .description('print records of a topic, without joining a group')
    .option('--from <where>', 'earliest, latest, or an offset', 'earliest')
    .option('--limit <n>', 'stop after so many')
    .option('-f, --follow', 'wait for new ones at the end')
    .action(async (topic: string, options: ConsumeOptions) => {
      const full = context()
      await full.withKafka((kafka, values) => consume(kafka, values, topic, options, full))
    })
}

interface ProduceOptions {
  key?: string
  value?: string
  keyField?: string
  partition?: string
  raw?: boolean
}

const produceChunk = 500

async function produce(kafka: KafkaClient, values: ValuesForPeople, topic: string, options: ProduceOptions): Promise<number> {
  const producer = kafka.producer()
  const write = options.raw === true ? null : await values.writer(topic, new AbortController().signal)
  let produced = 0
  let chunk: string[] = []
  const flush = async (): Promise<void> => {
    const partition = options.partition === undefined ? {} : { partition: wholeNumberOption('--partition', options.partition, 0) }
    await producer.send(
      chunk.map((line) => ({
        topic,
        value: write ? write(jsonOf(line)) : line,
        key: keyOf(line, options),
        timestampMs: systemClock.nowMs(),
        ...partition,
      })),
    )
    produced += chunk.length
    chunk = []
  }
  try {
    for await (const line of options.value === undefined ? readLines() : [options.value]) {
      chunk.push(line)
      if (chunk.length >= produceChunk) await flush()
    }
    if (chunk.length > 0) await flush()
  } finally {
    await producer.close()
  }
  return produced
}

function keyOf(value: string, { key, keyField }: ProduceOptions): string | null {
  if (keyField === undefined) return key ?? null
  const parsed: unknown = parseJson(value)
  const field: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, keyField) : undefined
  if (typeof field === 'string' || typeof field === 'number') return String(field)
  throw new MillraceError('BAD_REQUEST', `--key-field ${keyField}: this record has no such field: ${value.slice(0, 120)}`)
}

/** What the topic's schema is to encode. */
function jsonOf(line: string): Json {
  const json = parseJson(line)
  if (json !== undefined) return json
  throw new MillraceError(
    'BAD_REQUEST',
    `Values of this topic are Avro, and this is no JSON to write as such: ${line.slice(0, 120)}. Write --raw for the bytes as they are.`,
  )
}

function parseJson(text: string): Json | undefined {
  try {
    const json: Json = JSON.parse(text)
    return json
  } catch {
    return undefined
  }
}

interface ConsumeOptions {
  from: string
  limit?: string
  follow?: boolean
}

async function consume(
  kafka: KafkaClient,
  values: ValuesForPeople,
  topic: string,
  options: ConsumeOptions,
  { output }: Pick<Context, 'output'>,
): Promise<void> {
  const limit = options.limit === undefined ? Infinity : wholeNumberOption('--limit', options.limit)
  const { topics } = await kafka.admin.metadata([topic])
  // Waited for it is in vain; what else keeps a topic from being read may pass.
  if (topics.some((each) => each.error === 'UNKNOWN_TOPIC_OR_PARTITION')) findTopic(topics, topic)
  const reader = kafka.reader({ topic, from: parseFrom(options.from) })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  // Nobody reads any more: `consume … | head`.
  process.stdout.once('error', () => stop.abort())
  let printed = 0
  try {
    while (printed < limit && !stop.signal.aborted) {
      for (const batch of await reader.poll({ signal: stop.signal })) {
        await values.makeReadyFor(batch, stop.signal)
        for (let i = 0; i < batch.count && printed < limit; i++, printed++) {
          const record = describeRecord(batch, i, values)
          output.data(record)
          output.line(`${record.partition}:${record.offset}\t${record.key ?? '-'}\t${record.value ?? '-'}`)
        }
      }
      if (!options.follow && reader.atEnd()) break
    }
  } finally {
    await reader.close()
  }
}

function parseFrom(from: string): 'earliest' | 'latest' | { offset: bigint } {
  if (from === 'earliest' || from === 'latest') return from
  if (/^\d+$/.test(from)) return { offset: BigInt(from) }
  throw new MillraceError('BAD_REQUEST', `--from ${from}: write earliest, latest or an offset.`)
}

function describeRecord(
  batch: Batch,
  i: number,
  values: ValuesForPeople,
): {
  topic: string
  partition: number
  offset: string
  timestampMs: number
  key: string | null
  /** As JSON where it is Avro. */
  value: string | null
  schemaId?: number
  headers: Record<string, string | null>
} {
  const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('utf8'))
  return {
    topic: batch.topic,
    partition: batch.partition,
    offset: String(batch.offsets[i]),
    timestampMs: batch.timestampMs[i] ?? -1,
    key: text(bytesAt(batch, batch.keyAt, i)),
    ...valueOf(bytesAt(batch, batch.valueAt, i), values),
    headers: Object.fromEntries(batch.headers(i).map((header) => [header.key, text(header.value)])),
  }
}

function valueOf(bytes: Uint8Array | null, values: ValuesForPeople): { value: string | null; schemaId?: number } {
  const decoded = bytes && values.decode(bytes)
  if (decoded?.format === 'avro' && decoded.schemaId !== undefined)
    return { value: JSON.stringify(decoded.json), schemaId: decoded.schemaId }
  return { value: bytes && Buffer.from(bytes).toString('utf8') }
}
