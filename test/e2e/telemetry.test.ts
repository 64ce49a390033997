import { afterEach, beforeEach, expect, test } from 'vitest'
import { startOtlpReceiver, type OtlpReceiver } from '../../src/telemetry/testing/otlp-receiver.ts'
import type { OtlpSpan } from '../../src/telemetry/testing/otlp-schema.ts'
import { readDocument, shellCommands } from '../harness/documents.ts'
import { eventually, run, runJsonLines, startMillrace } from '../harness/millrace.ts'
import { createProject, type TestProject } from '../harness/project.ts'

const page = readDocument('docs/telemetry.md')
/** First two cells of the table under a heading: `name: type`. */
const rowsUnder = (heading: string): string[] =>
  (page.split(`\n## ${heading}\n`)[1] ?? '')
    .split('\n## ')[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', second = '']) => `${name.replaceAll('`', '')}: ${second}`) ?? []

let project: TestProject
let receiver: OtlpReceiver

beforeEach(async () => {
  project = createProject("every: '20ms', pages: 5")
  receiver = await startOtlpReceiver()
})
afterEach(async () => {
  await receiver[Symbol.asyncDispose]()
  project.remove()
})

/** Its name as the page has it. */
function kindOf({ name }: OtlpSpan): string {
  if (/^[A-Z]+ \/api\//.test(name)) return '<method> <route>'
  return name
    .replace('user_automation', '<dag>')
    .replace('stream_data_from_api', '<task>')
    .replace(/^page .*/, 'page <source>')
}

test(
  'a run, its attempts and pages are one trace, which its records go on with; all there is stands in docs/telemetry.md',
  { timeout: 240_000 },
  async () => {
    // As the page has it, but for the address.
    const [, variable = ''] = /^(\w+)=http:\/\/127\.0\.0\.1:4318 millrace start$/.exec(shellCommands(page).join('\n')) ?? []
    const env = { [variable]: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_METRIC_EXPORT_INTERVAL: '500' }
    await using millrace = startMillrace(project, { env })
    const [, url = ''] = await millrace.until(/(http:\/\/[\d.:]+)\/sign-in#/)
    const [, command = ''] = /`millrace (tokens add [^`]*)`/.exec(page) ?? []
    const token = run(project, command.split(' ')).stdout.trim()
    await eventually(
      () => receiver.spans,
      (spans) => spans.some(({ name }) => name === 'dag user_automation') && spans.some(({ name }) => name.includes('/api/v1')),
      90_000,
    )
    const named = (pattern: RegExp): OtlpSpan[] => receiver.spans.filter(({ name }) => pattern.test(name))
    const [whole] = named(/^dag /)
    const [attempt] = named(/^task /)
    const [work] = named(/^run /)
    const pages = named(/^page /)
    expect([whole?.parentSpanId, whole?.status]).toEqual([undefined, {}])
    expect(attempt?.parentSpanId).toBe(whole?.spanId)
    expect(work?.parentSpanId).toBe(attempt?.spanId)
    expect(pages.map(({ parentSpanId }) => parentSpanId)).toEqual(Array.from({ length: 5 }, () => work?.spanId))
    expect(new Set([whole, attempt, work, ...pages].map((span) => span?.traceId)).size).toBe(1)

    const records = runJsonLines<{ headers: Record<string, string> }>(project, ['consume', 'users_created', '--limit', '5'])
    const texts = records.map(({ headers }) => headers.traceparent ?? 'none')
    expect(texts.toSorted()).toEqual(pages.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`).toSorted())

    const metrics = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text()
    const families = [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => `${name}: ${type}`)
    expect(rowsUnder('Metrics').toSorted()).toEqual(families.toSorted())
    expect(metrics).toContain('millrace_task_attempts_total{dag="user_automation",task="stream_data_from_api",outcome="ok"} 1\n')
    expect(metrics).toContain('millrace_dag_runs_total{dag="user_automation",state="success"} 1\n')
    expect(metrics).toMatch(/millrace_api_request_duration_seconds_count\{method="POST",route="\/api\/v1\/tokens",status="200"\} 1\n/)

    await eventually(
      () => receiver.metrics.map(({ name }) => name),
      (names) => names.includes('millrace_dag_runs_total') && names.includes('millrace_topic_records'),
    )
    const written = new Set(families.map((family) => family.split(':')[0]))
    expect(receiver.metrics.map(({ name }) => name).filter((name) => !written.has(name))).toEqual([])
    await millrace.stop()
    expect(receiver.faults).toEqual([])
    expect([...new Set(receiver.spans.map(kindOf))].toSorted()).toEqual(
      rowsUnder('Spans')
        .map((row) => row.replace(/:.*/, ''))
        .toSorted(),
    )
  },
)

test('without an endpoint nothing is sent, and records have no header more', { timeout: 240_000 }, async () => {
  await using millrace = startMillrace(project, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_SDK_DISABLED: 'true' } })
  await millrace.until(/in table/, 90_000)
  const [record] = runJsonLines<{ headers: unknown }>(project, ['consume', 'users_created', '--limit', '1'])
  expect(JSON.stringify(record?.headers)).toContain('millrace.page')
  expect(JSON.stringify(record?.headers)).not.toContain('traceparent')
  await millrace.stop()
  expect(receiver.requests).toEqual([])
})
