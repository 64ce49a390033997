import { createHash } from 'node:crypto'
import type { AlertTestView, AlertView } from '../../core/index.ts'
import { errnoOf } from '../../platform/index.ts'
import type { Webhook } from '../../settings/index.ts'

export interface AlertMessage {
  readonly status: 'firing' | 'resolved'
  readonly alert: AlertView
  /** ISO 8601 UTC; null while it fires. */
  readonly endsAt: string | null
}

/** Who sends. */
export interface Sender {
  readonly project: string
  /** Of the data folder. */
  readonly instance: string
  /** Of the console; '' without one. */
  readonly externalUrl: string
}

export type Delivery = { readonly is: 'delivered' } | DeliveryFailure

interface DeliveryFailure {
  readonly is: 'failed'
  /** Never the URL or what was sent (P8). */
  readonly reason: string
  /** Whether the same message may be taken later. */
  readonly retriable: boolean
  readonly retryAfterMs: number | null
}

const timeoutMs = 10_000
const shownAnswer = 1_000
/** How Alertmanager says of an alert that it has not ended. */
const notEnded = '0001-01-01T00:00:00Z'

/** The body, as version 4 of Alertmanager's webhook has it: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
export function webhookBody({ status, alert, endsAt }: AlertMessage, { project, instance, externalUrl }: Sender): object {
  const group = { alertname: alert.name, ...alert.subject }
  const labels = { ...group, severity: alert.severity, project, instance }
  const annotations = { summary: alert.summary, description: alert.description }
  const fingerprint = createHash('sha256').update(JSON.stringify(labels)).digest('hex').slice(0, 16)
  return {
    version: '4',
    groupKey: `{}:{${Object.entries(group)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(', ')}}`,
    truncatedAlerts: 0,
    status,
    receiver: 'millrace',
    groupLabels: group,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: externalUrl,
    alerts: [{ status, labels, annotations, startsAt: alert.startsAt, endsAt: endsAt ?? notEnded, generatorURL: externalUrl, fingerprint }],
  }
}

/** Posts once; never rejects. */
export async function deliver(webhook: Webhook, body: object, signal: AbortSignal): Promise<Delivery> {
  const answer = await post(webhook, body, signal)
  if (!answer.ok) return { is: 'failed', reason: answer.reason, retriable: true, retryAfterMs: null }
  const { response } = answer
  await response.body?.cancel().catch(() => undefined)
  if (response.ok) return { is: 'delivered' }
  return {
    is: 'failed',
    reason: `it answered ${response.status}`,
    retriable: response.status >= 500 || response.status === 429 || response.status === 408,
    retryAfterMs: retryAfterMs(response),
  }
}

/** Posts once and tells what came back. */
export async function tryWebhook(webhook: Webhook, body: object, signal: AbortSignal): Promise<AlertTestView> {
  const host = hostOf(webhook)
  const answer = await post(webhook, body, signal)
  if (!answer.ok) return { host, status: null, error: answer.reason, body: '' }
  const { response } = answer
  const text = await response.text().catch(() => '')
  return { host, status: response.status, error: response.ok ? null : `it answered ${response.status}`, body: text.slice(0, shownAnswer) }
}

export function hostOf({ url }: Webhook): string {
  return new URL(url).host
}

type Answer = { ok: true; response: Response } | { ok: false; reason: string }

async function post({ url, headers }: Webhook, body: object, signal: AbortSignal): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'millrace', ...headers },
      body: JSON.stringify(body),
      // Headers are for this address alone.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    return { ok: true, response }
  } catch (error) {
    return { ok: false, reason: reasonOf(error) }
  }
}

/** Node's own messages may repeat the URL. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `it did not answer within ${timeoutMs / 1_000} s`
  const cause = error instanceof Error ? error.cause : undefined
  return `it cannot be reached (${errnoOf(cause) ?? errnoOf(error) ?? 'unknown reason'})`
}

function retryAfterMs({ headers }: Response): number | null {
  const seconds = Number(headers.get('retry-after') ?? '')
  return seconds > 0 ? seconds * 1_000 : null
}
