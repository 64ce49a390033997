import { describe, expect, test } from 'vitest'
import type { StreamStatus } from '../core/index.ts'
import { MillraceError, type ErrorJson } from '../platform/index.ts'
import type { Observed } from './counts.ts'
import { diagnose, type Facts } from './doctor.ts'

const counts = {
  stream: 'load_users',
  topic: 'users_created',
  table: 'app.users',
  fetched: 60,
  inTopic: 60,
  inTable: 60,
  deadLetters: 0,
  isExact: true,
  lag: 0,
}
const running: StreamStatus = {
  stream: 'load_users',
  state: { is: 'running' },
  recordsRead: 60,
  rowsWritten: 60,
  filtered: 0,
  deadLetters: 0,
  lag: 0,
  committed: {},
  lastDeadLetter: null,
}
const lastRun: Facts['lastRuns'][number] = {
  dagId: 'user_automation',
  runId: 'manual__1',
  state: 'success',
  reason: null,
  trigger: 'manual',
  logicalDate: '',
  dataInterval: { start: '', end: '' },
  queuedAt: '',
  startedAt: '',
  endedAt: '',
  params: {},
  dagVersion: 1,
  tasks: [],
  lastLine: null,
}

const error = (message: string): ErrorJson => new MillraceError('UNREACHABLE', message).toJSON()

function facts(
  change: {
    observed?: Partial<Observed>
    counts?: Partial<Observed['counts']>
    stream?: Partial<StreamStatus> | null
    refused?: ErrorJson
    run?: Partial<typeof lastRun>
  } & Partial<Facts> = {},
): Facts {
  const { observed = {}, counts: changed = {}, stream = {}, refused = null, run, ...rest } = change
  return {
    status: { loadError: null },
    endpoints: {
      kafka: { bootstrapServers: ['127.0.0.1:9092'] },
      cassandra: { contactPoints: ['127.0.0.1:9042'], localDataCenter: 'datacenter1', consistency: 'ONE' },
      registry: null,
      randomUser: { url: 'https://randomuser.me/api/', is: 'live', why: 'asked for', seed: 's' },
    },
    metadataError: null,
    registry: null,
    lastRuns: [{ ...lastRun, ...run }],
    fetched: 60,
    flows: [
      {
        observed: { counts: { ...counts, ...changed }, topicError: null, tableError: null, committed: new Map([[0, 60n]]), ...observed },
        stream: stream === null ? null : { ...running, ...stream },
        refused,
      },
    ],
    provisionError: null,
    missingTopics: [],
    administrator: [],
    nowMs: 100_000,
    ...rest,
  }
}

describe('the doctor', () => {
  test('finds nothing wrong where nothing is', () => {
    expect(diagnose(facts())).toMatchObject({ healthy: true, summary: '60 fetched · 60 in topic · 60 in table' })
  })

  test('names file and line of a pipeline file that does not load', () => {
    const report = diagnose(
      facts({ status: { loadError: new MillraceError('PIPELINE_INVALID', 'users.pipeline.ts:3:1: no luck').toJSON() } }),
    )
    expect(report).toMatchObject({ healthy: false, summary: 'The pipeline files do not load: users.pipeline.ts:3:1: no luck' })
  })

  test('says that the source fails while a task still tries again', () => {
    const lastLine = '2026-11-22T10:00:00.000Z page 1: status 503; retry 2 of 5 in 2 s'
    const report = diagnose(facts({ run: { state: 'running', lastLine }, fetched: 0, counts: { inTopic: 0, inTable: 0 } }))
    expect(report.summary).toBe(
      `0 fetched · 0 in topic · 0 in table: user_automation fails, because ${lastLine} (source: https://randomuser.me/api/)`,
    )
  })

  test('says where a stream stopped and why', () => {
    const state = { is: 'stopped' as const, error: error('more than half of the last 1000 records failed') }
    expect(diagnose(facts({ counts: { inTable: 0, lag: 60 }, stream: { state }, observed: { committed: new Map() } })).summary).toBe(
      '60 fetched · 60 in topic · 0 in table: load_users stopped, because at offset 0: more than half of the last 1000 records failed',
    )
  })

  test('says since when a stream is retrying', () => {
    const state = { is: 'retrying' as const, error: error('Cassandra does not answer'), sinceMs: 70_000, attempt: 4 }
    expect(diagnose(facts({ stream: { state } })).summary).toContain('retrying for 30 s: Cassandra does not answer')
  })

  test('says that Kafka does not answer, not that the stream is at fault', () => {
    const topicError = new MillraceError('UNREACHABLE', 'connect ECONNREFUSED')
    const report = diagnose(facts({ counts: { inTopic: null }, observed: { topicError } }))
    expect(report.summary).toContain('users_created stopped, because Kafka at 127.0.0.1:9092 does not answer: connect ECONNREFUSED')
  })

  test('says why a table is refused', () => {
    const refused = new MillraceError('TABLE_MISMATCH', 'column gender is text, the schema says int').toJSON()
    expect(diagnose(facts({ refused, stream: null })).summary).toContain('load_users stopped, because column gender is text')
  })

  test('counts dead letters and shows the last one, which stop nothing', () => {
    const lastDeadLetter = { reason: 'validate', message: 'id: null.', topic: 'users_created', partition: 2, offset: '7' }
    const report = diagnose(facts({ counts: { deadLetters: 1 }, stream: { deadLetters: 1, lastDeadLetter } }))
    expect(report).toMatchObject({ healthy: true, summary: '60 fetched · 60 in topic · 60 in table · 1 dead letter' })
    expect(report.steps.find((step) => step.at === 'stream')?.because).toContain('users_created/2 offset 7 (validate): id: null. See')
  })

  test('tells a newcomer what to do first', () => {
    const report = diagnose(facts({ lastRuns: [], fetched: 0, counts: { inTopic: 0, inTable: 0 } }))
    expect(report.healthy).toBe(true)
    expect(report.steps[0]?.because).toContain('millrace trigger')
  })
})

test('a registry that does not answer is told, one that does is counted', () => {
  const address = 'http://127.0.0.1:8081'
  const away = { address, subjects: null, error: error('The schema registry at http://127.0.0.1:8081 does not answer: refused') }
  expect(diagnose(facts({ registry: away })).summary).toContain('schema registry stopped, because The schema registry at')
  const report = diagnose(facts({ registry: { address, subjects: 2, error: null } }))
  expect(report).toMatchObject({ healthy: true, steps: expect.arrayContaining([expect.objectContaining({ at: 'registry' })]) })
  expect(report.steps.find(({ at }) => at === 'registry')?.found).toBe('2 subjects at http://127.0.0.1:8081')
})

test('a metadata store that is away is what the doctor names, not a DAG that never ran', () => {
  const metadataError = new MillraceError('METADATA_UNAVAILABLE', 'away for 12 s: PostgreSQL at db:5432 does not answer.').toJSON()
  const report = diagnose(facts({ lastRuns: [], metadataError }))
  expect(report).toMatchObject({
    healthy: false,
    steps: [{ at: 'metadata', state: 'stopped' }, { at: 'topic' }, { at: 'stream' }, { at: 'table' }],
  })
  expect(report.summary).toContain('metadata store stopped, because away for 12 s: PostgreSQL at db:5432 does not answer.')
})
