import { request } from 'node:http'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import type { SpanData } from '../../core/index.ts'
import { createTracer, Meters, prometheusText } from '../../telemetry/index.ts'
import { requestTelemetry, traceRequests } from './trace-requests.ts'

async function rig() {
  const spans: SpanData[] = []
  const meters = new Meters()
  const server = Fastify()
  traceRequests(server, requestTelemetry(createTracer({ sampler: () => true, onEnd: (span) => void spans.push(span) }), meters))
  server.get('/healthz', () => 'ok')
  server.get('/api/v1/topics/:topic', () => ({}))
  server.get('/api/v1/broken', (_request, reply) => reply.code(503).send({}))
  server.get('/api/v1/events', (_request, reply) => {
    reply.hijack()
    reply.raw.setHeader('content-type', 'text/event-stream; charset=utf-8')
    reply.raw.end('data: 1\n\n')
  })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  return { spans, url, text: () => prometheusText(meters.collect()), [Symbol.asyncDispose]: () => server.close() }
}

test('requests of the API are spans of the trace that the client goes on with, by their route and without names', async () => {
  await using api = await rig()
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  await fetch(`${api.url}/api/v1/topics/secret-name?key=ada`, { headers: { traceparent } })
  await fetch(`${api.url}/api/v1/broken`)
  for (const path of ['/healthz', '/api/v1/events', '/nowhere']) await (await fetch(api.url + path)).text()
  expect(api.spans).toMatchObject([
    {
      name: 'GET /api/v1/topics/:topic',
      kind: 'server',
      traceId: 'a'.repeat(32),
      parentSpanId: 'b'.repeat(16),
      error: null,
      attributes: { 'http.request.method': 'GET', 'http.route': '/api/v1/topics/:topic', 'http.response.status_code': 200 },
    },
    { name: 'GET /api/v1/broken', parentSpanId: null, error: '503' },
  ])
  expect(JSON.stringify(api.spans)).not.toMatch(/secret-name|ada/)
  expect(api.text()).toContain('millrace_api_request_duration_seconds_count{method="GET",route="/api/v1/topics/:topic",status="200"} 1\n')
  expect(api.text()).not.toContain('/events')
})

test('a method that there is none of makes no series of its own', async () => {
  await using api = await rig()
  const { hostname, port } = new URL(api.url)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request({ host: hostname, port, method: 'DELETE', path: '/api/v1/broken' }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject).end()
  })
  expect(status).toBe(404)
  expect(api.spans).toEqual([])
})
