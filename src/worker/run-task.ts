import {
  definitionOf,
  type AttemptId,
  type FromTask,
  type Json,
  type LoadedFlow,
  type TaskContext,
  type TaskResult,
  type ToTask,
} from '../core/index.ts'
import { asMillraceError, MillraceError, type Logger } from '../platform/index.ts'
import { loadedDefinition } from './loaded-definition.ts'

type Run = Extract<ToTask, { is: 'run' }>
/** How an attempt reports while it runs. */
export type Report = (message: Exclude<FromTask, { is: 'ready' | 'end' }>) => void

/** Runs one attempt to its result; what user code throws is a result, not an exception. */
export async function runTask(run: Run, signal: AbortSignal, report: Report, log: Logger): Promise<TaskResult> {
  try {
    const definition = await loadedDefinition(run.task)
    const fn = definition.is === 'dag' ? definition.functions.get(run.task.node) : undefined
    if (fn === undefined) throw new MillraceError('PIPELINE_INVALID', `Task "${run.task.node}" is not in "${run.task.export}".`)
    const returned = await fn(contextOf(run, signal, report), ...run.ctx.inputs)
    const made = definitionOf(returned)
    const value = made?.is === 'flow' ? await runFlow(made.flow, run, signal, report, log) : returned
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

async function runFlow(flow: LoadedFlow, run: Run, signal: AbortSignal, report: Report, log: Logger): Promise<Json> {
  const [{ runSource, topicMaker, wantedTopic }, { openKafka }] = await Promise.all([
    import('../connectors/index.ts'),
    import('./kafka.ts'),
  ])
  const { endpoints } = run
  await using kafka = await openKafka(endpoints.kafka, { clientId: `millrace.${run.ctx.project}.${flow.source.name}`, log, signal })
  const createTopics = topicMaker(kafka.admin, endpoints.kafka.topics)
  await createTopics([wantedTopic(flow.topic, endpoints.kafka.topics)])
  return {
    ...(await runSource({
      flow,
      project: run.ctx.project,
      endpoints,
      run: { runId: run.attempt.runId, attempt: run.attempt.attempt },
      kafka: {
        admin: { createTopics, listOffsets: (partitions, at) => kafka.admin.listOffsets(partitions, at) },
        transactionalProducer: (options) => kafka.transactionalProducer(options),
        reader: (options) => kafka.reader(options),
      },
      signal,
      log: (line) => report({ is: 'log', line, at: Date.now() }),
      progress: (done, total) => report({ is: 'progress', done, total }),
    })),
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
