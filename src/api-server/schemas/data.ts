import { z } from 'zod'
import type { Json } from '../../core/index.ts'
import { deadLetterView } from './views.ts'

/** Answers about topics, records and tables. */

const json: z.ZodType<Json> = z.json()

const payload = z
  .object({
    format: z.enum(['json', 'avro', 'text', 'bytes']),
    json: json.optional(),
    text: z.string().nullable(),
    base64: z.string().optional(),
    schemaId: z.int().optional(),
    error: z.string().optional(),
    sizeBytes: z.int(),
    masked: z.literal(true).optional(),
  })
  .meta({ description: 'a key or value as a person reads it' })

export const record = z.object({
  partition: z.int(),
  offset: z.string(),
  at: z.string().nullable(),
  key: payload.nullable(),
  value: payload.nullable(),
  headers: z.array(z.object({ key: z.string(), value: z.string().nullable() })),
})

export const topicSummary = z.object({
  name: z.string(),
  internal: z.boolean(),
  partitions: z.int(),
  offsets: z.number().meta({ description: 'between beginning and end: records, and what compaction and transactions left of them' }),
  error: z.string().nullable(),
})

export const topicView = z.object({
  name: z.string(),
  internal: z.boolean(),
  partitions: z.array(
    z.object({
      partition: z.int(),
      leader: z.int(),
      replicas: z.array(z.int()),
      isr: z.array(z.int()),
      begin: z.string(),
      end: z.string(),
    }),
  ),
  configs: z.array(z.object({ name: z.string(), value: z.string().nullable(), source: z.string(), isDefault: z.boolean() })),
  groups: z.array(
    z.object({
      groupId: z.string(),
      state: z.string(),
      members: z.int(),
      lag: z.number(),
      partitions: z.array(z.object({ partition: z.int(), committed: z.string(), end: z.string(), lag: z.number() })),
    }),
  ),
})

export const tableSummary = z.object({
  keyspace: z.string(),
  name: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  partitionKey: z.array(z.string()),
  clusteringKey: z.array(z.object({ column: z.string(), order: z.enum(['asc', 'desc']) })),
  streams: z.array(z.string()),
})

export const rows = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string(), masked: z.boolean() })),
  rows: z.array(z.record(z.string(), json)),
  next: z.string().nullable().meta({ description: 'for the next page; null on the last' }),
})

export const followedFlow = z.object({
  stream: z.string().nullable(),
  topic: z.string().nullable(),
  table: z.string().nullable(),
  versions: z.array(
    z.object({
      record,
      run: z.object({ run: z.string(), attempt: z.int(), page: z.string().nullable() }).nullable(),
      processed: z.boolean(),
      readBy: z.array(z.string()).meta({ description: 'groups that have committed past it, where no stream says which matters' }),
      deadLetter: deadLetterView.nullable(),
    }),
  ),
  found: z.int().meta({ description: 'versions that there were; of many or large ones the newest are told' }),
  row: z.record(z.string(), json).nullable(),
  rowError: z.string().nullable(),
  scanned: z.int(),
  complete: z.boolean(),
})

export const searchState = z.object({ scanned: z.int(), total: z.int(), hits: z.int() })
