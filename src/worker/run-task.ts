import {
  definitionOf,
  type AttemptId,
  type FromTask,
  type Json,
  type LoadedDefinition,
  type TaskContext,
  type TaskResult,
  type ToTask,
} from '../core/index.ts'
import { asMillraceError, MillraceError, type Logger } from '../platform/index.ts'
import { asParent, createTracer, noTracer, type Tracer } from '../telemetry/index.ts'
import { loadedDefinition } from './loaded-definition.ts'

type Run = Extract<ToTask, { is: 'run' }>
/** How an attempt reports while it runs. */
export type Report = (message: Exclude<FromTask, { is: 'ready' | 'end' }>) => void

/** Runs one attempt to its result; what user code throws is a result, not an exception. */
export async function runTask(run: Run, signal: AbortSignal, report: Report, log: Logger): Promise<TaskResult> {
  const tracer = tracerOf(run, report)
  const span = tracer.startSpan(`run ${run.task.node}`, {
    parent: run.ctx.traceparent ?? null,
    attributes: { 'millrace.dag': run.attempt.dagId, 'millrace.task': run.attempt.taskId },
  })
  const traced: Run = span.traceparent === null ? run : { ...run, ctx: { ...run.ctx, traceparent: span.traceparent } }
  const result = await runToResult(traced, signal, report, log, tracer)
  if (result.is === 'failed') span.fail(result.error.code)
  span.end()
  return result
}

/** Its spans go to the supervisor, which exports them: this process may be killed, and needs no credentials. */
function tracerOf({ ctx }: Run, report: Report): Tracer {
  if (ctx.traceparent === undefined) return noTracer
  return createTracer({ sampler: asParent, onEnd: (span) => report({ is: 'spans', spans: [span] }) })
}

async function runToResult(run: Run, signal: AbortSignal, report: Report, log: Logger, tracer: Tracer): Promise<TaskResult> {
  try {
    const definition = await loadedDefinition(run.task)
    const fn = definition.is === 'dag' ? definition.functions.get(run.task.node) : undefined
    if (fn === undefined) throw new MillraceError('PIPELINE_INVALID', `Task "${run.task.node}" is not in "${run.task.export}".`)
    const returned = await fn(contextOf(run, signal, report), ...run.ctx.inputs)
    const made = definitionOf(returned)
    const value = made?.is === 'flow' ? await runFlow(made, run, signal, report, log, tracer) : returned
    return { is: 'ok', value: toJson(run.attempt, value) }
  } catch (error) {
    if (signal.aborted) return { is: 'failed', error: asMillraceError(signal.reason, 'CANCELLED').toJSON(), retriable: true }
    const failure = asMillraceError(error, 'TASK_FAILED')
    const stack = error instanceof Error && error.stack !== undefined && !(error instanceof MillraceError) ? error.stack : failure.message
    report({ is: 'log', line: stack, at: Date.now() })
    // Fenced by another run that is at work (P4): trying again would only fence that one.
    const retriable = failure.code !== 'PRODUCER_FENCED' || failure.retriable
    return { is: 'failed', error: failure.toJSON(), retriable }
  }
}

function contextOf(run: Run, signal: AbortSignal, report: Report): TaskContext {
  return {
    ...run.ctx,
    signal,
    log: (line) => report({ is: 'log', line, at: Date.now() }),
    progress: (done, total) => report({ is: 'progress', done, total: total ?? null }),
    xcom: (key, value) => report({ is: 'xcom', key, value }),
  }
}

async function runFlow(
  { flow, schema }: Extract<LoadedDefinition, { is: 'flow' }>,
  run: Run,
  signal: AbortSignal,
  report: Report,
  log: Logger,
  tracer: Tracer,
): Promise<Json> {
  const [{ openTopicValues, runSource, topicMaker, wantedTopic }, { openKafka }, { createRegistryClient }] = await Promise.all([
    import('../connectors/index.ts'),
    import('./kafka.ts'),
    import('../registry-client/index.ts'),
  ])
  const { endpoints } = run
  const clientId = `millrace.${run.ctx.project}.${flow.source.name}`
  await using kafka = await openKafka(endpoints.kafka, { clientId, log, signal })
  const createTopics = topicMaker(kafka.admin, endpoints.kafka.topics)
  await createTopics([wantedTopic(flow.topic, endpoints.kafka.topics)])
  const { project } = run.ctx
  const registry = endpoints.registry && createRegistryClient(endpoints.registry)
  const line = (text: string): void => report({ is: 'log', line: text, at: Date.now() })
  const policy = endpoints.kafka.topics
  // Beside the first page's request: what is asked of the registry is not waited for alone.
  const values = openTopicValues({ kafka, registry, policy, project, topic: flow.topic, schema, createTopics, signal, log: line })
  values.catch(() => undefined)
  try {
    const result = await runSource({
      flow,
      project,
      endpoints,
      run: run.attempt,
      kafka: {
        admin: { createTopics, listOffsets: (partitions, at) => kafka.admin.listOffsets(partitions, at) },
        transactionalProducer: (options) => kafka.transactionalProducer(options),
        reader: (options) => kafka.reader(options),
      },
      connectKafka: (endpoint, until) => openKafka(endpoint, { clientId, log, signal: until }),
      values,
      tracer,
      ...(run.ctx.traceparent === undefined ? {} : { traceparent: run.ctx.traceparent }),
      signal,
      log: line,
      progress: (done, total) => report({ is: 'progress', done, total }),
    })
    return { ...result }
  } finally {
    registry?.close()
  }
}

function toJson(attempt: AttemptId, value: unknown): Json {
  if (value === undefined) return null
  try {
    const json: Json = JSON.parse(JSON.stringify(value))
    return json
  } catch (error) {
    throw new MillraceError('TASK_FAILED', `Task ${attempt.taskId} returned a value that JSON cannot hold: return plain data.`, {
      cause: error,
    })
  }
}
