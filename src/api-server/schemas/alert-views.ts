import { z } from 'zod'
import type { AlertsView, AlertTestView, AlertView } from '../../core/index.ts'

export const alertView = z.object({
  name: z.enum([
    'MillraceStreamLag',
    'MillraceDeadLetters',
    'MillraceStreamStalled',
    'MillraceStreamStopped',
    'MillraceRunFailed',
    'MillracePartFailed',
  ]),
  severity: z.enum(['warning', 'critical']),
  subject: z.union([z.strictObject({ stream: z.string() }), z.strictObject({ dag: z.string() }), z.strictObject({ part: z.string() })]),
  summary: z.string(),
  description: z.string(),
  startsAt: z.string().meta({ format: 'date-time' }),
}) satisfies z.ZodType<AlertView>

export const alertsView = z.object({
  firing: z.array(alertView),
  webhook: z.object({
    host: z.string().nullable(),
    waiting: z.int(),
    delivered: z.int(),
    failed: z.int(),
    lastError: z.string().nullable(),
  }),
}) satisfies z.ZodType<AlertsView>

export const alertTestView = z.object({
  host: z.string(),
  status: z.int().nullable(),
  error: z.string().nullable(),
  body: z.string(),
}) satisfies z.ZodType<AlertTestView>
