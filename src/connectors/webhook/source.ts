import type { Json } from '../../core/index.ts'
import type { Clock, MillraceError } from '../../platform/index.ts'
import { isObject } from '../options-reader.ts'
import type { PolledPage, PolledSource } from '../polled-source.ts'
import { secretText } from '../secret-text.ts'
import { stopIfAborted } from '../stop-if-aborted.ts'
import { unfitCursor } from '../unfit-cursor.ts'
import type { SenderRules } from './check-sender.ts'
import { comeAgain, Inbox, type Delivery } from './inbox.ts'
import type { Webhook } from './options.ts'
import { startWebhookServer } from './server.ts'

export interface WebhookWorld {
  clock: Clock
  env: Readonly<Record<string, string | undefined>>
  /** What files of secrets are relative to. */
  folder: string
  log: (line: string) => void
}

/**
 * What is sent over HTTP. A request is answered 2xx when its records and the cursor behind them are committed, which is when the runner
 * asks for the next page (`Source`): what was acknowledged is in Kafka, what was not is sent again. Throws CONFIG_MISSING for a secret
 * that is not there.
 */
export function openWebhook(name: string, options: Webhook, world: WebhookWorld): PolledSource {
  const rules = rulesOf(name, options, world)
  return {
    says: `what is sent to port ${options.port === 0 ? 'that is free' : options.port} on ${options.host}, by POST to ${options.path}`,
    expectedRecords: null,
    read: (cursor, signal) => receivePages({ name, options, rules, world }, cursor, signal),
  }
}

function rulesOf(source: string, { hosts, hmac, credentials }: Webhook, { env, folder }: WebhookWorld): SenderRules {
  const place = (option: string) => ({ env, folder, source, option })
  return {
    hosts,
    hmac: hmac && { ...hmac, secret: secretText(hmac.secret, place('hmac.secret')) },
    credentials:
      credentials &&
      ('token' in credentials
        ? { token: secretText(credentials.token, place('credentials.token')) }
        : { username: credentials.username, password: secretText(credentials.password, place('credentials.password')) }),
  }
}

/** Of requests that are refused: anybody may send them, and the log is not to grow with each. */
const toldOneByOne = 5

interface Receiving {
  name: string
  options: Webhook
  rules: SenderRules
  world: WebhookWorld
}

async function* receivePages(receiving: Receiving, from: Json, signal: AbortSignal): AsyncGenerator<PolledPage> {
  stopIfAborted(signal)
  const { name, options, rules, world } = receiving
  const { clock, log } = world
  const position = positionOf(name, from)
  let { received } = position
  const inbox = new Inbox({ maxBytes: options.maxWaitingBytes, remember: options.idempotency?.remember ?? 0, remembered: position.keys })
  const server = await startWebhookServer({ name, options, rules, inbox, clock })
  const stopTimer = options.for === null ? () => {} : clock.after(options.for, () => inbox.close())
  log(`listens at ${server.url}`)
  let refused = 0
  const tellRefused = (line: string): void => {
    refused++
    if (refused <= toldOneByOne) log(line)
  }
  let page: ReceivedPage | null = null
  try {
    for (;;) {
      const deliveries = await inbox.take(options.records, signal)
      stopIfAborted(signal)
      if (deliveries.length === 0) return
      page = new ReceivedPage(inbox, deliveries, received, tellRefused)
      yield page
      received = page.received
      page.committed()
      page = null
    }
  } finally {
    stopTimer()
    const reason = 'the run ended before this was committed'
    page?.giveUp(reason)
    inbox.giveUp(reason)
    await server.close()
    if (refused > toldOneByOne) log(`${refused} requests were refused in this run`)
  }
}

/** Records of whole requests. One whose record is refused is answered so, with nothing of it produced. */
class ReceivedPage implements PolledPage {
  readonly records: Record<string, unknown>[]
  readonly label: string
  readonly #inbox: Inbox
  readonly #tellRefused: (line: string) => void
  readonly #before: number
  #deliveries: readonly Delivery[]
  /** Of each record. */
  readonly #deliveryOf: Delivery[]

  constructor(inbox: Inbox, deliveries: readonly Delivery[], before: number, tellRefused: (line: string) => void) {
    this.#inbox = inbox
    this.#tellRefused = tellRefused
    this.#before = before
    this.#deliveries = deliveries
    this.#deliveryOf = deliveries.flatMap((delivery) => delivery.records.map(() => delivery))
    this.records = deliveries.flatMap(({ records }) => records)
    this.label = String(before)
  }

  /** Of all pages up to this one. */
  get received(): number {
    return this.#before + this.#deliveries.reduce((sum, { records }) => sum + records.length, 0)
  }

  get cursor(): Json {
    return { received: this.received, keys: this.#inbox.rememberedWith(this.#deliveries) }
  }

  refuse(index: number, error: MillraceError): readonly number[] {
    const delivery = this.#deliveryOf[index]
    if (delivery === undefined) return []
    const places = this.#deliveryOf.flatMap((one, place) => (one === delivery ? [place] : []))
    if (!this.#deliveries.includes(delivery)) return places
    this.#deliveries = this.#deliveries.filter((one) => one !== delivery)
    this.#tellRefused(`a request is refused: ${error.message}`)
    const record = index - (places[0] ?? 0)
    const { field } = error.details
    // A step that throws may be a mistake of the pipeline: whoever sends is to keep it. What a schema does not take it never will.
    const isSendersFault = error.code === 'RECORD_INVALID'
    const problem = isSendersFault ? 'does not fit what is expected here' : 'could not be processed'
    const body = { error: `record ${record} ${problem}`, ...(isSendersFault && typeof field === 'string' ? { field } : {}) }
    this.#inbox.settle(delivery, { status: isSendersFault ? 422 : 500, body })
    return places
  }

  committed(): void {
    this.#inbox.committed(this.#deliveries)
  }

  giveUp(reason: string): void {
    for (const delivery of this.#deliveries) this.#inbox.settle(delivery, comeAgain(reason))
  }
}

function positionOf(name: string, cursor: Json): { received: number; keys: string[] } {
  if (cursor === null) return { received: 0, keys: [] }
  const { received, keys } = isObject(cursor) ? cursor : {}
  if (typeof received !== 'number' || !Array.isArray(keys)) throw unfitCursor(name, cursor)
  return { received, keys: keys.filter((key) => typeof key === 'string') }
}
