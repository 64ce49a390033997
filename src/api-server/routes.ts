import { open, stat } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Json } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { ApiPorts } from './ports.ts'

const json: z.ZodType<Json> = z.json()
const triggerBody = z.strictObject({
  params: z.record(z.string(), json).optional(),
  runId: z.string().min(1).max(200).optional(),
  onlyIfNoRuns: z.boolean().optional(),
})
const dagParams = z.object({ dag: z.string() })
const runParams = z.object({ dag: z.string(), run: z.string() })
const taskParams = z.object({ dag: z.string(), run: z.string(), task: z.string() })
const runsQuery = z.strictObject({ dag: z.string().optional(), limit: z.coerce.number().int().min(1).max(1_000).default(25) })
const logQuery = z.strictObject({ attempt: z.coerce.number().int().min(1).optional(), from: z.coerce.number().int().min(0).default(0) })
const deadLetterQuery = z.strictObject({ stream: z.string().optional(), limit: z.coerce.number().int().min(1).max(10_000).default(100) })
const pausedBody = z.strictObject({ paused: z.boolean() })
const cancelBody = z.strictObject({ reason: z.string().max(500).default('cancelled by hand') })

/** Bytes of a log that one answer carries at most. */
const logChunkBytes = 1_048_576

export function addRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const { scheduler } = ports
  server.get('/api/v1/status', () => ports.status())
  server.get('/api/v1/doctor', () => ports.doctor())
  server.get('/api/v1/endpoints', () => ports.endpoints())
  server.post('/api/v1/stop', (_request, reply) => {
    // The answer leaves before the end begins.
    reply.raw.once('finish', () => ports.stop())
    return { stopping: true }
  })
  server.get('/api/v1/dags', () => scheduler.dags())
  server.post('/api/v1/dags/:dag/runs', (request) => {
    const { params, runId, onlyIfNoRuns } = parse(triggerBody, request.body ?? {}, 'body')
    return scheduler.trigger(parse(dagParams, request.params, 'path').dag, {
      ...(params ? { params } : {}),
      ...(runId === undefined ? {} : { runId }),
      ...(onlyIfNoRuns === undefined ? {} : { onlyIfNoRuns }),
    })
  })
  server.put('/api/v1/dags/:dag/paused', async (request) => {
    const { paused } = parse(pausedBody, request.body, 'body')
    await scheduler.setPaused(parse(dagParams, request.params, 'path').dag, paused)
    return { paused }
  })
  server.get('/api/v1/runs', (request) => {
    const { dag, limit } = parse(runsQuery, request.query, 'query')
    return scheduler.runs({ limit, ...(dag === undefined ? {} : { dagId: dag }) })
  })
  server.get('/api/v1/dags/:dag/runs/:run', async (request) => {
    const { dag, run } = parse(runParams, request.params, 'path')
    return (await scheduler.run(dag, run)) ?? notFound(`run ${run} of DAG ${dag}`)
  })
  server.post('/api/v1/dags/:dag/runs/:run/cancel', (request) => {
    const { dag, run } = parse(runParams, request.params, 'path')
    return scheduler.cancelRun(dag, run, parse(cancelBody, request.body ?? {}, 'body').reason)
  })
  server.get('/api/v1/dags/:dag/runs/:run/tasks/:task/log', async (request) => {
    const { dag, run, task } = parse(taskParams, request.params, 'path')
    const { attempt, from } = parse(logQuery, request.query, 'query')
    const log = await scheduler.attemptLog({ dagId: dag, runId: run, taskId: task, ...(attempt === undefined ? {} : { attempt }) })
    if (log === null) return notFound(`log of task ${task} in run ${run} of DAG ${dag}`)
    return { attempt: log.attempt, ...(await readLog(log.path, from)) }
  })
  server.get('/api/v1/dead-letters', async (request) => {
    const { stream, limit } = parse(deadLetterQuery, request.query, 'query')
    const streams = ports.streams()
    if (stream !== undefined && !streams.includes(stream)) return notFound(`stream ${stream}; there are: ${streams.join(', ') || 'none'}`)
    const lists = await Promise.all((stream === undefined ? streams : [stream]).map((name) => ports.deadLetters(name, limit)))
    return lists.flat()
  })
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new MillraceError(
    'BAD_REQUEST',
    `${what}${issue && issue.path.length > 0 ? `, "${issue.path.join('.')}"` : ''}: ${issue?.message ?? 'not valid'}`,
  )
}

function notFound(what: string): never {
  throw new MillraceError('NOT_FOUND', `There is no ${what}.`)
}

async function readLog(path: string, from: number): Promise<{ text: string; next: number; sizeBytes: number }> {
  const { size } = await stat(path).catch(() => ({ size: 0 }))
  const length = Math.min(Math.max(0, size - from), logChunkBytes)
  if (length === 0) return { text: '', next: Math.min(from, size), sizeBytes: size }
  await using file = await open(path, 'r')
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, from)
  // Whole lines only, so that no character is cut in two; the rest comes with the next call.
  const end = buffer.lastIndexOf(0x0a, bytesRead - 1) + 1 || (length === logChunkBytes ? bytesRead : 0)
  return { text: buffer.toString('utf8', 0, end), next: from + end, sizeBytes: size }
}
