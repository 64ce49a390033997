import { createServer, type IncomingHttpHeaders } from 'node:http'

/** What Alertmanager's receivers read of a message. */
export interface ReceivedMessage {
  version: string
  status: string
  groupKey: string
  truncatedAlerts: number
  receiver: string
  groupLabels: Record<string, string>
  commonLabels: Record<string, string>
  commonAnnotations: Record<string, string>
  externalURL: string
  alerts: {
    status: string
    labels: Record<string, string>
    annotations: Record<string, string>
    startsAt: string
    endsAt: string
    generatorURL: string
    fingerprint: string
  }[]
}

export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string
  readonly received: { headers: IncomingHttpHeaders; path: string; body: ReceivedMessage }[]
  /** Status of the next answers; 200 once they are used up. */
  readonly answers: number[]
}

/** A receiver of alerts that keeps what it is sent, for tests. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: WebhookReceiver['received'] = []
  const answers: number[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body: ReceivedMessage = JSON.parse(Buffer.concat(chunks).toString())
      received.push({ headers: request.headers, path: request.url ?? '', body })
      response.writeHead(answers.shift() ?? 200, { location: '/elsewhere' }).end('taken')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/hook/s3cret`,
    received,
    answers,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
