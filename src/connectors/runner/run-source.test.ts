import { expect, test } from 'vitest'
import type { FlowStep, LoadedFlow, Parse, SpanData } from '../../core/index.ts'
import { asParent, createTracer } from '../../telemetry/index.ts'
import { jumpingClock, json, startScriptedServer, status } from '../http/scripted-server.ts'
import { atPath } from '../http/json-path.ts'
import { isObject } from '../options-reader.ts'
import { randomUserSpec, type RandomUserOptions } from '../random-user/spec.ts'
import { startRandomUserStandIn } from '../random-user/stand-in/start.ts'
import { runSource, type RunSource } from './run-source.ts'
import { scriptedKafka, type CommitVerdict, type ScriptedKafka } from './scripted-kafka.ts'

const noEndpoints = { kafka: { bootstrapServers: [] }, registry: null }
const cursors = '__millrace_demo_cursors'

const parseUser: Parse = (value) => {
  const id = isObject(value) ? value['id'] : undefined
  return typeof id === 'string' ? { ok: true, value } : { ok: false, problems: [{ path: 'id', message: 'expected a string' }] }
}

const toUser: FlowStep = { is: 'map', fn: (user) => ({ id: atPath(user, 'login.uuid'), gender: atPath(user, 'gender') }) }

function flowOf(options: RandomUserOptions, steps: FlowStep[] = [toUser]): LoadedFlow {
  const topic = { name: 'users', schema: 'User', key: ['id'], partitions: 1, format: 'json' as const, configs: {} }
  return { source: randomUserSpec(options), sourceFunctions: {}, steps, topic, parse: parseUser }
}

async function run(kafka: ScriptedKafka, flow: LoadedFlow, url: string, more: Partial<RunSource> = {}) {
  const log: string[] = []
  const progress: [number, number | null][] = []
  const world = { clock: jumpingClock(), random: () => 1, fetch: globalThis.fetch, env: {} }
  const totals = await runSource({
    flow,
    project: 'demo',
    endpoints: { ...noEndpoints, randomUser: { url, is: 'local', why: 'a test', seed: 's' } },
    connectKafka: () => Promise.reject(new Error('no source here reads a Kafka')),
    run: { dagId: 'users', runId: 'run-1', attempt: 2 },
    kafka,
    signal: new AbortController().signal,
    log: (line) => log.push(line),
    progress: (done, total) => progress.push([done, total]),
    world,
    ...more,
  })
  return { totals, log, progress }
}

const users = (kafka: ScriptedKafka) => kafka.topics.get('users') ?? []
const lastCursor = (kafka: ScriptedKafka): unknown => {
  const value = kafka.topics.get(cursors)?.at(-1)?.value
  return value ? atPath(JSON.parse(Buffer.from(value).toString()), 'cursor') : null
}

test('a run produces its pages under their keys, says its progress, and the next run goes on at the next page', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  const flow = flowOf({ every: '1s', for: '3s', results: 2 })
  const first = await run(kafka, flow, server.url)
  expect(first.totals).toEqual({ pages: 3, fetched: 6, produced: 6, filtered: 0 })
  expect(first.progress).toEqual([
    [2, 6],
    [4, 6],
    [6, 6],
  ])
  expect(first.log[0]).toContain(`local RandomUser at ${server.url} (a test); no cursor yet`)
  expect(lastCursor(kafka)).toEqual({ seed: 's', page: 4 })
  await run(kafka, flow, server.url)
  expect(lastCursor(kafka)).toEqual({ seed: 's', page: 7 })
  expect(new Set(users(kafka).map((record) => record.key)).size).toBe(12)
})

test('each record says its run, attempt and page', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  await run(kafka, flowOf({ every: '1s', pages: 2 }), server.url)
  const said = users(kafka).map(({ headers }) => headers?.map(({ key, value }) => `${key}=${Buffer.from(value ?? []).toString()}`))
  expect(said).toEqual([1, 2].map((page) => ['millrace.run=run-1', 'millrace.attempt=2', `millrace.page=${page}`]))
})

test('a page and its cursor are one transaction: a crash before the commit leaves neither', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  const flow = flowOf({ every: '1s', pages: 1, results: 3 })
  kafka.beforeCommit = (records) => {
    expect(records.map(({ topic }) => topic)).toEqual(['users', 'users', 'users', cursors])
    throw new Error('killed')
  }
  await expect(run(kafka, flow, server.url)).rejects.toThrow('killed')
  expect(users(kafka)).toEqual([])
  expect(lastCursor(kafka)).toBeNull()
  kafka.beforeCommit = () => {}
  await run(kafka, flow, server.url)
  expect(users(kafka)).toHaveLength(3)
  expect(lastCursor(kafka)).toEqual({ seed: 's', page: 2 })
})

test.each<[CommitVerdict, string]>([
  ['refused', 'that the broker refuses is aborted and written again'],
  ['done, unknown', 'whose commit went through without an answer is not written again'],
  ['not done, unknown', 'whose commit was lost is written again'],
])('a page (%s) %s: each user is there once', async (verdict) => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  const verdicts: CommitVerdict[] = ['done', verdict, 'done', verdict, verdict]
  kafka.beforeCommit = () => verdicts.shift()
  const { totals } = await run(kafka, flowOf({ every: '1s', pages: 4, results: 2 }), server.url)
  expect(totals).toEqual({ pages: 4, fetched: 8, produced: 8, filtered: 0 })
  expect(new Set(users(kafka).map(({ key }) => key)).size).toBe(8)
  expect(users(kafka)).toHaveLength(8)
  expect(lastCursor(kafka)).toEqual({ seed: 's', page: 5 })
})

test('a page that is refused again and again ends the run with the reason', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  kafka.beforeCommit = () => 'refused'
  await expect(run(kafka, flowOf({ every: '1s', pages: 1 }), server.url)).rejects.toThrow('not enough replicas')
  expect(lastCursor(kafka)).toBeNull()
})

test.each([
  ['users', 'run-2', 1],
  // DAGs of one schedule have runs of one id.
  ['orders', 'run-1', 2],
])('a second run of the same source fences the first, whose error names it: %s, %s', async (dagId, runId, attempt) => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  const flow = flowOf({ every: '1s', pages: 1, results: 2 })
  let second: Promise<unknown> | null = null
  kafka.beforeCommit = async () => {
    if (second !== null) return
    second = run(kafka, flow, server.url, { run: { dagId, runId, attempt } })
    await second
  }
  const first = run(kafka, flow, server.url)
  await expect(first).rejects.toMatchObject({ code: 'PRODUCER_FENCED', retriable: false, details: { run: runId, attempt } })
  await expect(first).rejects.toThrow(`another run of it has taken over (run ${runId} of DAG ${dagId}, attempt ${attempt})`)
  expect(users(kafka)).toHaveLength(2)
})

test('a record that does not fit the topic fails the run and nothing of its page is produced', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  let seen = 0
  const spoilThird: FlowStep = { is: 'map', fn: (user) => (++seen === 3 ? { id: null } : { id: atPath(user, 'login.uuid') }) }
  const failed = run(kafka, flowOf({ every: '1s', pages: 1, results: 3 }, [spoilThird]), server.url)
  await expect(failed).rejects.toMatchObject({
    code: 'RECORD_INVALID',
    details: { source: 'random_user', page: '1', record: 2, field: 'id' },
  })
  await expect(failed).rejects.toThrow('id: expected a string')
  expect(users(kafka)).toEqual([])
  expect(lastCursor(kafka)).toBeNull()
})

test('a step that throws is named', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const thrower: FlowStep = {
    is: 'map',
    fn: () => {
      throw new Error('no such thing')
    },
  }
  const failed = run(scriptedKafka(), flowOf({ every: '1s', pages: 1 }, [toUser, thrower]), server.url)
  await expect(failed).rejects.toMatchObject({ code: 'RECORD_STEP' })
  await expect(failed).rejects.toThrow('step 2 (map) threw: no such thing')
})

test('filtered records are counted, and a page of none moves the cursor', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  const none: FlowStep = { is: 'filter', fn: () => false }
  const { totals } = await run(kafka, flowOf({ every: '1s', pages: 2, results: 5 }, [none, toUser]), server.url)
  expect(totals).toEqual({ pages: 2, fetched: 10, produced: 0, filtered: 10 })
  expect(lastCursor(kafka)).toEqual({ seed: 's', page: 3 })
})

test('answers that hold no users are retried and never produced', async () => {
  const user = { login: { uuid: 'u', username: 'n' } }
  await using server = await startScriptedServer([
    json({ results: [] }),
    json({ results: [{}] }),
    json({ results: [{ login: { uuid: null } }] }),
    status(200, { 'content-type': 'text/html' }, '<html>'),
    json({ results: [user] }),
  ])
  const kafka = scriptedKafka()
  const { log } = await run(kafka, flowOf({ every: '1s', pages: 1, inc: ['login'] }), server.url)
  expect(users(kafka).map(({ key }) => key)).toEqual(['u'])
  expect(log.filter((line) => line.includes('; retry '))).toHaveLength(4)
  expect(server.requests.every((url) => url.searchParams.get('seed') === 's' && url.searchParams.get('page') === '1')).toBe(true)
})

test('a stop ends the run at once, even when the broker does not answer', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const kafka = scriptedKafka()
  const stop = new AbortController()
  kafka.beforeCommit = () => {
    stop.abort()
    return new Promise(() => {})
  }
  await expect(run(kafka, flowOf({ every: '1s' }), server.url, { signal: stop.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('a cursor that cannot be read stops the source rather than beginning anew', async () => {
  const kafka = scriptedKafka()
  kafka.topics.set(cursors, [{ topic: cursors, key: 'random_user', value: Buffer.from('{') }])
  await expect(run(kafka, flowOf({ every: '1s', pages: 1 }), 'http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'DATA_CORRUPT' })
})

test('a traced run has a span a page, which the page’s records name; one that fails says by which error', async () => {
  await using server = await startRandomUserStandIn({ host: '127.0.0.1', port: 0 })
  const spans: SpanData[] = []
  const tracer = createTracer({ sampler: asParent, onEnd: (span) => void spans.push(span) })
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const kafka = scriptedKafka()
  await run(kafka, flowOf({ every: '1s', pages: 2, results: 2 }), server.url, { tracer, traceparent })
  const headers = users(kafka).map((record) => {
    const header = record.headers?.find(({ key }) => key === 'traceparent')
    return header?.value ? Buffer.from(header.value).toString() : null
  })
  expect(spans).toMatchObject(
    ['1', '2'].map((page) => ({
      name: 'page random_user',
      kind: 'producer',
      traceId: 'a'.repeat(32),
      parentSpanId: 'b'.repeat(16),
      error: null,
      attributes: { 'millrace.page': page, 'messaging.destination.name': 'users', 'messaging.batch.message_count': 2 },
    })),
  )
  expect(headers).toEqual(spans.flatMap(({ traceId, spanId }) => Array.from({ length: 2 }, () => `00-${traceId}-${spanId}-01`)))
  const nothing: FlowStep = { is: 'map', fn: () => ({}) }
  const failing = run(scriptedKafka(), flowOf({ every: '1s', pages: 1 }, [nothing]), server.url, { tracer, traceparent })
  await expect(failing).rejects.toMatchObject({ code: 'RECORD_INVALID' })
  expect(spans.at(-1)).toMatchObject({ error: 'RECORD_INVALID' })
})
