import { plural, type DoctorReport, type DoctorStep, type Endpoints, type StatusView, type StreamStatus } from '../core/index.ts'
import type { ErrorJson } from '../platform/index.ts'
import type { RunDetail } from '../core/index.ts'
import type { Observed } from './counts.ts'

/** What the doctor looks at: gathered by the supervisor, judged here without asking anyone. */
export interface Facts {
  status: Pick<StatusView, 'loadError'>
  endpoints: Endpoints
  /** The last run of each DAG, none when there is none yet. */
  lastRuns: readonly (RunDetail & { lastLine: string | null })[]
  fetched: number | null
  flows: readonly { observed: Observed; stream: StreamStatus | null; refused: ErrorJson | null }[]
  /** Set while the metadata store is away: runs and tasks cannot be looked at. */
  metadataError: ErrorJson | null
  /** Null: there is none. */
  registry: { address: string; subjects: number | null; error: ErrorJson | null } | null
  /** Set while topics and tables could not be made yet. */
  provisionError: ErrorJson | null
  /** Topics that could not be made, but for dead letters': their streams are refused. */
  missingTopics: readonly { name: string; because: string }[]
  /** Commands for somebody with more rights. */
  administrator: readonly string[]
  nowMs: number
}

/** Walks source → topic → stream → table and says where it stops and why. */
export function diagnose(facts: Facts): DoctorReport {
  if (facts.status.loadError !== null) {
    const step: DoctorStep = {
      at: 'pipeline',
      name: 'pipeline files',
      state: 'stopped',
      found: 'not loaded',
      because: facts.status.loadError.message,
    }
    return {
      summary: `The pipeline files do not load: ${facts.status.loadError.message}`,
      healthy: false,
      steps: [step],
      administrator: [],
    }
  }
  const sources = [...sourceSteps(facts), ...otherTopicSteps(facts), ...registrySteps(facts)]
  const flows = facts.flows.map((flow) => [topicStep(flow.observed, facts), streamStep(flow, facts), tableStep(flow.observed)])
  // In a flow the first step that stops is the cause; later ones only wait for it.
  const causes = [...sources.filter(isStopped), ...flows.flatMap((steps) => steps.find(isStopped) ?? [])]
  const steps = [...sources, ...flows.flat()]
  return { summary: summarise(facts, causes), healthy: causes.length === 0, steps, administrator: [...facts.administrator] }
}

function isStopped(step: DoctorStep): boolean {
  return step.state === 'stopped'
}

function summarise(facts: Facts, causes: readonly DoctorStep[]): string {
  const lines = facts.flows.map(({ observed: { counts } }) => {
    const parts = [
      `${shown(facts.fetched)} fetched`,
      `${counts.isExact ? '' : '≈ '}${shown(counts.inTopic)} in topic`,
      `${shown(counts.inTable)} in table`,
    ]
    if ((counts.deadLetters ?? 0) > 0) parts.push(`${counts.deadLetters} ${plural(counts.deadLetters, 'dead letter')}`)
    return parts.join(' · ')
  })
  const counts = lines.join('; ') || `${shown(facts.fetched)} fetched`
  const because = causes.map(
    ({ name, at, because: why }) => `${name} ${at === 'source' ? 'fails' : 'stopped'}, because ${why ?? 'unknown'}`,
  )
  return because.length === 0 ? counts : `${counts}: ${because.join('; and ')}`
}

function shown(count: number | null): string {
  return count === null ? '?' : String(count)
}

/** A step for each DAG that fails, or one that says that all is well. */
function sourceSteps({ lastRuns, fetched, endpoints, metadataError }: Facts): DoctorStep[] {
  const found = `${shown(fetched)} fetched`
  if (metadataError !== null) return [{ at: 'metadata', name: 'metadata store', state: 'stopped', found, because: metadataError.message }]
  const [newest] = lastRuns
  if (newest === undefined) {
    return [
      { at: 'source', name: 'source', state: 'waiting', found, because: 'no DAG has run yet: start one with "millrace trigger <dag>"' },
    ]
  }
  const failing = lastRuns.flatMap((run): DoctorStep[] => {
    const because = runProblem(run, endpoints.randomUser.url)
    return because === null ? [] : [{ at: 'source', name: run.dagId, state: 'stopped', found, because }]
  })
  if (failing.length > 0) return failing
  return [{ at: 'source', name: newest.dagId, state: 'ok', found: `${found}, last run ${newest.state}`, because: null }]
}

/** By which a source that tries again says so in its log. */
export const retryLine = / retry \d+ of \d+ in /

function runProblem(run: Facts['lastRuns'][number], source: string): string | null {
  // While a task still tries again by itself, its log says why.
  const isRetrying = run.state === 'running' && run.lastLine !== null && retryLine.test(run.lastLine)
  if (isRetrying) return `${run.lastLine} (source: ${source})`
  const task = run.tasks.find((each) => each.error !== null && each.state !== 'success')
  if (task?.error) {
    const goesOn = task.state === 'up_for_retry' || task.state === 'running'
    const tried = goesOn ? `attempt ${task.attempt} of it is not the last` : `${run.state} after attempt ${task.attempt}`
    return `task ${task.taskId}: ${task.error.message} (${tried}; source: ${source}). See "millrace logs ${run.dagId}"`
  }
  return run.state === 'failed' ? (run.reason ?? `run ${run.runId} failed`) : null
}

/** Topics that are missing and that no stream reads: those that tasks write to, and the cursors. */
function otherTopicSteps({ missingTopics, flows }: Facts): DoctorStep[] {
  const read = new Set(flows.map(({ observed: { counts } }) => counts.topic))
  return missingTopics
    .filter(({ name }) => !read.has(name))
    .map(({ name, because }) => ({ at: 'topic', name, state: 'stopped', found: 'not there', because }))
}

function registrySteps({ registry }: Facts): DoctorStep[] {
  if (registry === null) return []
  const { address, subjects, error } = registry
  return [
    {
      at: 'registry',
      name: 'schema registry',
      state: error === null ? 'ok' : 'stopped',
      found: error === null ? `${shown(subjects)} ${plural(subjects, 'subject')} at ${address}` : 'not reached',
      because: error?.message ?? null,
    },
  ]
}

function topicStep({ counts, topicError }: Observed, facts: Facts): DoctorStep {
  const { bootstrapServers } = facts.endpoints.kafka
  if (topicError !== null) {
    return {
      at: 'topic',
      name: counts.topic,
      state: 'stopped',
      found: 'not reached',
      because: `Kafka at ${bootstrapServers.join(', ')} does not answer: ${topicError.message}`,
    }
  }
  const missing = facts.missingTopics.find(({ name }) => name === counts.topic)
  if (missing) return { at: 'topic', name: counts.topic, state: 'stopped', found: 'not there', because: missing.because }
  const found = `${counts.isExact ? '' : '≈ '}${shown(counts.inTopic)} in topic`
  return {
    at: 'topic',
    name: counts.topic,
    state: counts.inTopic === 0 ? 'waiting' : 'ok',
    found,
    because: counts.inTopic === 0 ? 'nothing was produced yet' : null,
  }
}

function streamStep({ observed, stream, refused }: Facts['flows'][number], facts: Facts): DoctorStep {
  const { counts, committed } = observed
  const at = [...committed.values()].reduce((sum, offset) => sum + offset, 0n)
  const found = `lag ${shown(counts.lag)}, offset ${at}, ${shown(counts.deadLetters)} ${plural(counts.deadLetters, 'dead letter')}`
  const step = (state: DoctorStep['state'], because: string | null): DoctorStep => ({
    at: 'stream',
    name: counts.stream,
    state,
    found,
    because,
  })
  if (refused !== null) return step('stopped', refused.message)
  if (facts.provisionError !== null) return step('stopped', `it has not started: ${facts.provisionError.message}`)
  if (stream === null) return step('waiting', 'its process is starting')
  const { state } = stream
  if (state.is === 'stopped') return step('stopped', `at offset ${at}: ${state.error?.message ?? 'it was stopped'}`)
  if (state.is === 'retrying') {
    const seconds = Math.max(0, Math.round((facts.nowMs - state.sinceMs) / 1_000))
    return step('stopped', `at offset ${at}: retrying for ${seconds} s: ${state.error.message}`)
  }
  if ((counts.deadLetters ?? 0) > 0 && stream.lastDeadLetter !== null) {
    const { reason, message, topic, partition, offset } = stream.lastDeadLetter
    return step(
      'ok',
      `last dead letter at ${topic}/${partition} offset ${offset} (${reason}): ${message.replace(/\.$/, '')}. See "millrace dlq list"`,
    )
  }
  return step(state.is === 'starting' ? 'waiting' : 'ok', null)
}

function tableStep({ counts, tableError }: Observed): DoctorStep {
  if (tableError?.retriable === false && /unconfigured table|does not exist/.test(tableError.message)) {
    return {
      at: 'table',
      name: counts.table,
      state: 'waiting',
      found: 'not there yet',
      because: 'it is made when the stream starts (autoCreate)',
    }
  }
  if (tableError !== null) return { at: 'table', name: counts.table, state: 'stopped', found: 'not reached', because: tableError.message }
  return {
    at: 'table',
    name: counts.table,
    state: counts.inTable === 0 ? 'waiting' : 'ok',
    found: `${shown(counts.inTable)} in table`,
    because: null,
  }
}
