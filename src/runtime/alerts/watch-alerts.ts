import type { StreamMotion } from '../../api-server/index.ts'
import type { AlertsView, AlertTestView, AlertView, DagView, StatusView } from '../../core/index.ts'
import { MillraceError, type Clock, type Disk, type Logger } from '../../platform/index.ts'
import type { AlertSettings } from '../../settings/index.ts'
import { AlertFile, type KeptAlerts } from './alert-file.ts'
import { stepAlert, type AlertState } from './alert-state.ts'
import { alertKey, conditionsOf, type Condition, type Facts } from './conditions.ts'
import { Outbox } from './outbox.ts'
import { RecentLetters } from './recent-letters.ts'
import { deliver, hostOf, tryWebhook, webhookBody, type AlertMessage, type Sender } from './webhook.ts'

/** What rules are judged by; `runtime` knows it. */
export interface AlertFacts {
  status(): Promise<StatusView>
  motions(): readonly StreamMotion[]
  /** Rejects while the metadata store is away. */
  dags(): Promise<DagView[]>
}

export interface AlertWatchOptions {
  readonly settings: AlertSettings
  readonly facts: AlertFacts
  readonly sender: () => Sender
  readonly dataDir: string
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
}

const everyMs = 5_000

interface Watched {
  readonly alert: Omit<AlertView, 'startsAt'>
  readonly state: AlertState
}

/** Judges the rules every five seconds and tells the webhook what changed; nothing waits for it. */
export class AlertWatch {
  readonly #options: AlertWatchOptions
  readonly #file: AlertFile
  readonly #outbox: Outbox
  readonly #letters: RecentLetters
  readonly #ending = new AbortController()
  #watched: Map<string, Watched>

  constructor(options: AlertWatchOptions) {
    const { settings, dataDir, disk, log, clock } = options
    this.#options = options
    this.#letters = new RecentLetters(longestWindowMs(settings))
    this.#file = new AlertFile(dataDir, disk, log)
    const kept = this.#file.read()
    this.#watched = restored(kept)
    this.#outbox = new Outbox(
      {
        deliver: async (message, signal) =>
          settings.webhook === null ? { is: 'delivered' } : deliver(settings.webhook, webhookBody(message, options.sender()), signal),
        onChange: () => this.#keep(),
        clock,
        log,
      },
      settings.webhook === null ? [] : kept.waiting,
    )
  }

  start(): void {
    this.#outbox.start()
    void this.#watch()
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#ending
    while (!signal.aborted) {
      await this.look().catch((error: unknown) => {
        if (!signal.aborted) log.warn('alerts could not be judged', { error })
      })
      await clock.sleep(everyMs, signal).catch(() => undefined)
    }
  }

  /** Judges all rules once. */
  async look(): Promise<void> {
    const { settings, facts, clock } = this.#options
    // Before anybody is asked who may take long: a minute without a commit is seen by looking more often.
    const motions = facts.motions()
    const [status, dags] = await Promise.all([facts.status(), facts.dags().catch(() => null)])
    if (this.#ending.signal.aborted) return
    const nowMs = clock.nowMs()
    this.#letters.look(status.streams, nowMs)
    const conditions = conditionsOf(
      {
        status,
        motions,
        dags,
        newLetters: (stream, withinMs) => this.#letters.within(stream, withinMs, nowMs),
        isFiring: (name, subject) => this.#watched.get(alertKey(name, subject))?.state.is === 'firing',
      },
      settings,
    )
    this.#step([...conditions, ...this.#orphans(conditions, status, dags)], nowMs)
    this.#keep()
  }

  /** Alerts whose subject, or rule, is not there any more are over; unless nobody can tell what is there. */
  #orphans(conditions: readonly Condition[], { loadError, flows }: StatusView, dags: Facts['dags']): Condition[] {
    const judged = new Set(conditions.map(({ alert }) => alertKey(alert.name, alert.subject)))
    const isUnknown = dags === null || (loadError !== null && flows.length === 0)
    return [...this.#watched]
      .filter(([key]) => !judged.has(key))
      .map(([, { alert }]) => ({ alert, holds: isUnknown && !('part' in alert.subject) ? null : false, forMs: 0 }))
  }

  #step(conditions: readonly Condition[], nowMs: number): void {
    const { settings } = this.#options
    const next = new Map<string, Watched>()
    for (const { alert, holds, forMs } of conditions) {
      const key = alertKey(alert.name, alert.subject)
      const before = this.#watched.get(key)
      const { state, tell } = stepAlert(before?.state ?? null, holds, nowMs, { ...settings, forMs })
      // What fired is told in the words it fired with, once its cause is gone.
      const words = holds === true || before === undefined ? alert : before.alert
      if (state !== null) next.set(key, { alert: words, state })
      if (tell?.status === 'firing' && state?.is === 'firing') this.#tell(key, words, state.startsMs, null)
      if (tell?.status === 'resolved') this.#tell(key, words, tell.startsMs, nowMs)
    }
    this.#watched = next
  }

  #tell(key: string, alert: Omit<AlertView, 'startsAt'>, startsMs: number, endsMs: number | null): void {
    const { settings, log } = this.#options
    const status = endsMs === null ? 'firing' : 'resolved'
    log[endsMs === null ? 'warn' : 'info'](`alert ${alert.name} ${status}: ${alert.summary}`)
    if (settings.webhook === null) return
    const endsAt = endsMs === null ? null : isoOf(endsMs)
    this.#outbox.put(key, { status, alert: { ...alert, startsAt: isoOf(startsMs) }, endsAt })
  }

  firing(): AlertView[] {
    return this.#kept().firing.map(({ alert }) => alert)
  }

  view(): AlertsView {
    const { webhook } = this.#options.settings
    const { delivered, failed, lastError, waiting } = this.#outbox
    return {
      firing: this.firing(),
      webhook: { host: webhook && hostOf(webhook), waiting: waiting.length, delivered, failed, lastError },
    }
  }

  /** Sends a message that says it is a test, at once. @throws MillraceError BAD_REQUEST without a webhook */
  async test(signal: AbortSignal): Promise<AlertTestView> {
    const { settings, sender, clock } = this.#options
    if (settings.webhook === null)
      throw new MillraceError(
        'BAD_REQUEST',
        'There is no webhook: set alerts.webhook in millrace.config.ts, or MILLRACE_ALERTS_WEBHOOK, and start again.',
      )
    return tryWebhook(settings.webhook, webhookBody(testMessage(isoOf(clock.nowMs())), sender()), signal)
  }

  #kept(): KeptAlerts {
    const firing = [...this.#watched].flatMap(([key, { alert, state }]) =>
      state.is === 'firing' ? [{ key, alert: { ...alert, startsAt: isoOf(state.startsMs) }, toldMs: state.toldMs }] : [],
    )
    return { firing, waiting: this.#outbox.waiting }
  }

  #keep(): void {
    this.#file.write(this.#kept())
  }

  /** Systems that are asked meanwhile are not waited for: what they say is not looked at any more. */
  close(): Promise<void> {
    this.#ending.abort()
    return this.#outbox.close()
  }
}

function restored({ firing }: KeptAlerts): Map<string, Watched> {
  return new Map(
    firing.map(({ key, alert: { startsAt, ...alert }, toldMs }) => [
      key,
      { alert, state: { is: 'firing', startsMs: Date.parse(startsAt), goneSinceMs: null, toldMs } },
    ]),
  )
}

function longestWindowMs({ rules, streams }: AlertSettings): number {
  return Math.max(...[rules, ...streams.values()].map(({ deadLetters }) => deadLetters?.withinMs ?? 0))
}

function testMessage(at: string): AlertMessage {
  return {
    status: 'firing',
    alert: {
      name: 'MillracePartFailed',
      severity: 'warning',
      subject: { part: 'test' },
      summary: 'This is a test: nothing is wrong',
      description: 'Sent by "millrace alerts test".',
      startsAt: at,
    },
    endsAt: at,
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
