import { createServer, type IncomingHttpHeaders } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { metricsRequest, tracesRequest, type OtlpMetric, type OtlpSpan } from './otlp-schema.ts'

export interface OtlpReceiver extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  readonly requests: { path: string; headers: IncomingHttpHeaders; text: string }[]
  /** Of all requests that were taken. */
  readonly spans: OtlpSpan[]
  /** Of the last request of metrics. */
  metrics: OtlpMetric[]
  /** What of the requests was not OTLP: a test that does not look at it has not judged them. */
  readonly faults: string[]
  /** Status of the next answers; 200 once they are used up. */
  readonly answers: number[]
}

/** An OTLP endpoint over HTTP with JSON that holds each request against the protocol, for tests. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const bytes = Buffer.concat(chunks)
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
      receiver.requests.push({ path: request.url ?? '', headers: request.headers, text })
      const status = receiver.answers.shift() ?? 200
      if (status === 200) take(request.url ?? '', request.headers['content-type'] ?? '', text)
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  const take = (path: string, contentType: string, text: string): void => {
    if (contentType !== 'application/json') receiver.faults.push(`content-type ${contentType}`)
    if (path === '/v1/traces') {
      const parsed = tracesRequest.safeParse(JSON.parse(text))
      if (!parsed.success) receiver.faults.push(parsed.error.message)
      else receiver.spans.push(...parsed.data.resourceSpans.flatMap((each) => each.scopeSpans.flatMap(({ spans }) => spans)))
    } else if (path === '/v1/metrics') {
      const parsed = metricsRequest.safeParse(JSON.parse(text))
      if (!parsed.success) receiver.faults.push(parsed.error.message)
      else receiver.metrics = parsed.data.resourceMetrics.flatMap((each) => each.scopeMetrics.flatMap(({ metrics }) => metrics))
    } else receiver.faults.push(`path ${path}`)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests: [],
    spans: [],
    metrics: [],
    faults: [],
    answers: [],
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return receiver
}
