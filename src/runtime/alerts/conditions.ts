import type { StreamMotion } from '../../api-server/index.ts'
import type { AlertName, AlertSubject, AlertView, DagView, StatusView } from '../../core/index.ts'
import { plural } from '../../core/index.ts'
import type { AlertSettings, StreamRules } from '../../settings/index.ts'

/** What a rule says of its subject now. */
export interface Condition {
  readonly alert: Omit<AlertView, 'startsAt'>
  /** Whether its cause is there; null: nobody can tell now. */
  readonly holds: boolean | null
  readonly forMs: number
}

export interface Facts {
  readonly status: Pick<StatusView, 'parts' | 'streams' | 'flows'>
  readonly motions: readonly StreamMotion[]
  /** Null: the metadata store is away. */
  readonly dags: readonly DagView[] | null
  newLetters(this: void, stream: string, withinMs: number): number
  /** A lag that fires is over below a lower bound than the one it fired above. */
  isFiring(this: void, name: AlertName, subject: AlertSubject): boolean
}

/** Of the records that make a lag: below it is over. */
const lagIsOverAt = 0.8

/** Names an alert among all: one of each rule a subject. */
export function alertKey(name: AlertName, subject: AlertSubject): string {
  return `${name}/${Object.values(subject).join('')}`
}

export function conditionsOf(facts: Facts, settings: AlertSettings): Condition[] {
  const { rules, streams } = settings
  return [
    ...facts.status.flows.flatMap(({ stream }) => streamConditions(facts, stream, streams.get(stream) ?? rules)),
    ...(rules.runFailed && facts.dags !== null ? facts.dags.map(runCondition) : []),
    ...(rules.partFailed === null ? [] : partConditions(facts, rules.partFailed.forMs)),
  ]
}

function streamConditions(facts: Facts, stream: string, rules: StreamRules): Condition[] {
  return [
    ...(rules.lag ? [lagCondition(facts, stream, rules.lag)] : []),
    ...(rules.deadLetters ? [letterCondition(facts, stream, rules.deadLetters)] : []),
    ...(rules.stalled ? [stallCondition(facts, stream, rules.stalled.forMs)] : []),
    ...(rules.stopped ? [stopCondition(facts, stream)] : []),
  ]
}

function lagCondition({ status, isFiring }: Facts, stream: string, { records, forMs }: NonNullable<StreamRules['lag']>): Condition {
  const lag = status.flows.find((flow) => flow.stream === stream)?.lag ?? null
  const bound = isFiring('MillraceStreamLag', { stream }) ? Math.floor(records * lagIsOverAt) : records
  return {
    alert: {
      name: 'MillraceStreamLag',
      severity: 'warning',
      subject: { stream },
      summary: `${stream}: ${lag === null ? 'an unknown number of' : counted(lag, 'record')} wait, more than ${counted(records, 'record')}`,
      description: 'The stream is slower than what comes in, or its table is: see its rate in the console.',
    },
    holds: lag === null ? null : lag > bound,
    forMs,
  }
}

function letterCondition({ newLetters }: Facts, stream: string, { records, withinMs }: NonNullable<StreamRules['deadLetters']>): Condition {
  const count = newLetters(stream, withinMs)
  return {
    alert: {
      name: 'MillraceDeadLetters',
      severity: 'warning',
      subject: { stream },
      summary: `${stream}: ${counted(count, 'new dead letter')} within ${Math.round(withinMs / 1_000)} s`,
      description: `Run "millrace dlq list" to see why, and replay them once it is mended.`,
    },
    holds: count > records,
    forMs: 0,
  }
}

function stallCondition({ motions }: Facts, stream: string, forMs: number): Condition {
  const motion = motions.find((each) => each.stream === stream)
  const alert = (why: string): Condition['alert'] => ({
    name: 'MillraceStreamStalled',
    severity: 'critical',
    subject: { stream },
    summary: `${stream}: ${why}`,
    description: 'Run "millrace doctor" to see where it stops and what to do.',
  })
  if (motion?.is === 'retrying')
    return {
      alert: alert(`a system that it needs has been away for ${Math.round(motion.forMs / 1_000)} s`),
      holds: motion.forMs >= forMs ? true : null,
      forMs: 0,
    }
  if (motion?.is === 'waiting')
    return {
      alert: alert(`${counted(motion.records, 'record')} wait, none was committed for ${Math.round(motion.forMs / 1_000)} s`),
      // After a start nothing has been seen yet: that says neither.
      holds: motion.forMs >= forMs ? true : motion.hasMoved ? false : null,
      forMs: 0,
    }
  return { alert: alert('it does not get on'), holds: motion?.is === 'moving' ? false : null, forMs: 0 }
}

function stopCondition({ status }: Facts, stream: string): Condition {
  const state = status.streams.find((each) => each.stream === stream)?.state
  const code = state?.is === 'stopped' ? (state.error?.code ?? null) : null
  return {
    alert: {
      name: 'MillraceStreamStopped',
      severity: 'critical',
      subject: { stream },
      summary: `${stream} has stopped${code === null ? '' : ` (${code})`}`,
      description: 'It does not go on by itself: "millrace doctor" says why and what to do.',
    },
    holds: code !== null ? true : state?.is === 'running' ? false : null,
    forMs: 0,
  }
}

function runCondition({ id, lastRun }: DagView): Condition {
  return {
    alert: {
      name: 'MillraceRunFailed',
      severity: 'warning',
      subject: { dag: id },
      summary: `${id}: run ${lastRun?.runId ?? ''} failed`,
      description: `Run "millrace runs ${id}" and "millrace logs ${id}" to see why; the alert ends with a run that succeeds.`,
    },
    holds: lastRun === null || lastRun.state === 'success' ? false : lastRun.state === 'failed' ? true : null,
    forMs: 0,
  }
}

function partConditions({ status }: Facts, forMs: number): Condition[] {
  return status.parts.map(({ name, state }) => ({
    alert: {
      name: 'MillracePartFailed',
      severity: 'critical',
      subject: { part: name },
      summary: name === 'streams' ? 'streams cannot be started' : `${name} does not answer`,
      description: '"millrace doctor" says why and what to do.',
    },
    holds: state === 'failed',
    forMs,
  }))
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${plural(count, noun)}`
}
