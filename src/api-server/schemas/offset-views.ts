import { z } from 'zod'
import type { Json, ResetView, SourceCursorView, StreamOffsetsView } from '../../core/index.ts'

const json: z.ZodType<Json> = z.json()
const offset = z.string().meta({ description: 'an offset, as text: it may be beyond 2^53' })

export const streamOffsetsView = z.object({
  stream: z.string(),
  topic: z.string(),
  group: z.string(),
  partitions: z.array(z.object({ partition: z.int(), committed: offset.nullable(), earliest: offset, latest: offset })),
}) satisfies z.ZodType<StreamOffsetsView>

export const resetView = z.object({
  stream: z.string(),
  topic: z.string(),
  group: z.string(),
  to: z.string(),
  partitions: z.array(
    z.object({
      partition: z.int(),
      from: offset.nullable(),
      to: offset,
      again: z.int().meta({ description: 'records that are read again' }),
      skipped: z.int().meta({ description: 'records that this stream never reads' }),
      note: z.string().nullable(),
    }),
  ),
  again: z.int(),
  skipped: z.int(),
  isExact: z.boolean(),
}) satisfies z.ZodType<ResetView>

export const sourceCursorView = z.object({
  source: z.string(),
  cursor: json,
  dag: z.string().meta({ description: 'whose run wrote it; empty where that is not known' }),
  run: z.string(),
  attempt: z.int(),
  fetched: z.int(),
  at: z.string(),
}) satisfies z.ZodType<SourceCursorView>
