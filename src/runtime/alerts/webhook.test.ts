import { expect, test } from 'vitest'
import { startWebhookReceiver } from './testing/webhook-receiver.ts'
import { deliver, tryWebhook, webhookBody, type AlertMessage } from './webhook.ts'

const message: AlertMessage = {
  status: 'resolved',
  alert: {
    name: 'MillraceStreamLag',
    severity: 'warning',
    subject: { stream: 'load_users' },
    summary: 'load_users: 12,000 records wait',
    description: 'See its rate.',
    startsAt: '2026-01-01T00:00:00.000Z',
  },
  endsAt: '2026-01-01T00:10:00.000Z',
}
const body = webhookBody(message, { project: 'users', instance: 'millrace-1', externalUrl: 'http://127.0.0.1:8080' })
const never = new AbortController().signal

test('a message is what receivers of Alertmanager read', () => {
  const labels = { alertname: 'MillraceStreamLag', stream: 'load_users', severity: 'warning', project: 'users', instance: 'millrace-1' }
  const annotations = { summary: 'load_users: 12,000 records wait', description: 'See its rate.' }
  expect(body).toEqual({
    version: '4',
    groupKey: '{}:{alertname="MillraceStreamLag", stream="load_users"}',
    truncatedAlerts: 0,
    status: 'resolved',
    receiver: 'millrace',
    groupLabels: { alertname: 'MillraceStreamLag', stream: 'load_users' },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: 'http://127.0.0.1:8080',
    alerts: [
      {
        status: 'resolved',
        labels,
        annotations,
        startsAt: '2026-01-01T00:00:00.000Z',
        endsAt: '2026-01-01T00:10:00.000Z',
        generatorURL: 'http://127.0.0.1:8080',
        fingerprint: expect.stringMatching(/^[\da-f]{16}$/),
      },
    ],
  })
  const firing = webhookBody({ ...message, status: 'firing', endsAt: null }, { project: 'users', instance: 'millrace-1', externalUrl: '' })
  expect(firing).toMatchObject({ alerts: [{ status: 'firing', endsAt: '0001-01-01T00:00:00Z' }] })
})

test('it is posted as JSON, with the headers of the config', async () => {
  await using receiver = await startWebhookReceiver()
  const headers = { authorization: 'Bearer s3cret' }
  expect(await deliver({ url: receiver.url, headers }, body, never)).toEqual({ is: 'delivered' })
  expect(receiver.received).toMatchObject([
    { path: '/hook/s3cret', headers: { 'content-type': 'application/json', authorization: 'Bearer s3cret' }, body },
  ])
})

test.each([
  [500, true],
  [503, true],
  [429, true],
  [408, true],
  [400, false],
  [401, false],
  [302, false],
])('an answer of %s is a failure; the same may be taken later: %s', async (status, retriable) => {
  await using receiver = await startWebhookReceiver()
  receiver.answers.push(status)
  const failure = { is: 'failed', reason: `it answered ${status}`, retriable, retryAfterMs: null }
  expect(await deliver({ url: receiver.url, headers: {} }, body, never)).toEqual(failure)
  // Whatever it says: the headers go nowhere else.
  expect(receiver.received).toHaveLength(1)
})

test('a receiver that is away is told without the URL', async () => {
  const receiver = await startWebhookReceiver()
  await receiver[Symbol.asyncDispose]()
  const result = await deliver({ url: receiver.url, headers: {} }, body, never)
  expect(result).toEqual({ is: 'failed', reason: 'it cannot be reached (ECONNREFUSED)', retriable: true, retryAfterMs: null })
})

test('a trial tells what came back', async () => {
  await using receiver = await startWebhookReceiver()
  const host = new URL(receiver.url).host
  receiver.answers.push(403)
  const webhook = { url: receiver.url, headers: {} }
  expect(await tryWebhook(webhook, body, never)).toEqual({ host, status: 403, error: 'it answered 403', body: 'taken' })
  expect(await tryWebhook(webhook, body, never)).toEqual({ host, status: 200, error: null, body: 'taken' })
})
