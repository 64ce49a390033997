import type { FastifyInstance, FastifyRequest } from 'fastify'
import { secondsBuckets, type Meters, type Span, type Tracer } from '../../telemetry/index.ts'

/** What requests are traced and counted with. */
export interface RequestTelemetry {
  readonly tracer: Tracer
  readonly record: (seconds: number, labels: { method: string; route: string; status: string }) => void
}

export function requestTelemetry(tracer: Tracer, meters: Meters): RequestTelemetry {
  const durations = meters.histogram('millrace_api_request_duration_seconds', 'Requests of the API, without events.', secondsBuckets)
  return { tracer, record: (seconds, labels) => durations.record(seconds, labels) }
}

/** A span and a duration each request of the API; streams of events last as long as their readers, and are left out. */
export function traceRequests(server: FastifyInstance, { tracer, record }: RequestTelemetry): void {
  const spans = new WeakMap<FastifyRequest, Span>()
  server.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url
    if (route?.startsWith('/api/') === true) spans.set(request, startSpan(tracer, request, route))
    done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request)
    if (span !== undefined && !isEvents(reply.raw.getHeader('content-type'))) {
      const { statusCode } = reply.raw
      record(reply.elapsedTime / 1_000, { method: request.method, route: request.routeOptions.url ?? '', status: String(statusCode) })
      span.setAttributes({ 'http.response.status_code': statusCode })
      if (statusCode >= 500) span.fail(String(statusCode))
      span.end()
    }
    done()
  })
}

/** By OpenTelemetry's conventions for servers; no path with names in it, and no query. */
function startSpan(tracer: Tracer, { method, headers }: FastifyRequest, route: string): Span {
  const { traceparent } = headers
  return tracer.startSpan(`${method} ${route}`, {
    kind: 'server',
    parent: typeof traceparent === 'string' ? traceparent : null,
    attributes: { 'http.request.method': method, 'http.route': route },
  })
}

function isEvents(contentType: unknown): boolean {
  return typeof contentType === 'string' && contentType.startsWith('text/event-stream')
}
