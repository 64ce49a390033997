import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { telemetrySettings } from './environment.ts'

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }
const read = (env: Record<string, string>) => telemetrySettings(env, { 'millrace.project': 'users' })

test.each([
  ['nothing is set', {}],
  ['it is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'True' }],
  ['neither signal is exported', { ...endpoint, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }],
])('nothing is exported where %s', (_where, env) => {
  expect(read(env)).toEqual({ settings: null, warnings: [] })
})

test('an endpoint alone has OpenTelemetry’s defaults', () => {
  const { settings, warnings } = read(endpoint)
  expect(warnings).toEqual([])
  expect(settings).toMatchObject({
    traces: { url: 'http://collector:4318/v1/traces', headers: {}, timeoutMs: 10_000, gzip: false },
    metrics: { url: 'http://collector:4318/v1/metrics' },
    resource: { 'service.name': 'millrace', 'millrace.project': 'users' },
    metricIntervalMs: 60_000,
    spanDelayMs: 5_000,
    mostSpansQueued: 2_048,
    mostSpansSent: 512,
  })
  expect(settings?.sampler('a'.repeat(32), null)).toBe(true)
})

test('variables of a signal win over those of all', () => {
  const { settings } = read({
    ...endpoint,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/in',
    OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=a%20b, x=1',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'y=2',
    OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '100',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_SERVICE_NAME: 'mill',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment.name=prod',
  })
  expect(settings).toMatchObject({
    traces: { url: 'https://traces/in', headers: { 'api-key': 'a b', x: '1' }, timeoutMs: 100, gzip: true },
    metrics: { url: 'http://collector:4318/v1/metrics', headers: { y: '2' }, timeoutMs: 5_000, gzip: true },
    resource: { 'service.name': 'mill', 'deployment.environment.name': 'prod' },
  })
})

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /^OTEL_EXPORTER_OTLP_ENDPOINT is not a URL .*: traces are not exported/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:s3cret@h' }, /^OTEL_EXPORTER_OTLP_ENDPOINT is not a URL without user and password/],
  [{ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /^OTEL_EXPORTER_OTLP_PROTOCOL is grpc: Millrace speaks OTLP over HTTP/],
  [{ ...endpoint, OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca' }, /NODE_EXTRA_CA_CERTS/],
  [{ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 's3cret' }, /^OTEL_EXPORTER_OTLP_HEADERS: a part of it is not name=value/],
  [{ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'a=s3cret%0d%0ab' }, /^OTEL_EXPORTER_OTLP_HEADERS: a part of it is not name=value/],
  [{ ...endpoint, OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /^OTEL_TRACES_SAMPLER="jaeger_remote" is not one of always_on, /],
  [{ ...endpoint, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, /^OTEL_TRACES_SAMPLER_ARG="2" is not a number/],
  [{ ...endpoint, OTEL_METRIC_EXPORT_INTERVAL: '1m' }, /^OTEL_METRIC_EXPORT_INTERVAL="1m" is not a number above 0: 60000 is used/],
])('%o is warned of, once and without secrets', (env, warning) => {
  const { warnings } = read(env)
  expect(warnings[0]).toMatch(warning)
  expect(new Set(warnings).size).toBe(warnings.length)
  expect(warnings.join('')).not.toContain('s3cret')
})

test('docs/telemetry.md names the variables that are read, and no other', () => {
  const asked = new Set<string>()
  const env: Record<string, string> = { ...endpoint, OTEL_TRACES_SAMPLER: 'traceidratio' }
  telemetrySettings(
    new Proxy(env, {
      get: (from, name) => {
        asked.add(String(name))
        return from[String(name)]
      },
    }),
    {},
  )
  const page = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8')
  const named = new Set(page.match(/OTEL_[A-Z_]+[A-Z]/g))
  expect([...named].filter((name) => !asked.has(name))).toEqual([])
  // Of one signal, which the page tells at the variable of all; and two that are looked at to be warned of.
  const others = [...asked].filter((name) => !/_OTLP_(TRACES|METRICS)_(?!ENDPOINT)|_(PROTOCOL|CERTIFICATE)$/.test(name))
  expect(others.filter((name) => !named.has(name))).toEqual([])
  expect(others.length).toBeGreaterThan(14)
})
