import { join } from 'node:path'
import { z } from 'zod'
import { alertView } from '../../api-server/index.ts'
import type { AlertView } from '../../core/index.ts'
import { messageOf, type Disk, type Logger } from '../../platform/index.ts'
import type { Waiting } from './outbox.ts'

/** An alert that fires, with when it was last told. */
export interface KeptAlert {
  readonly key: string
  readonly alert: AlertView
  readonly toldMs: number
}

export interface KeptAlerts {
  readonly firing: readonly KeptAlert[]
  readonly waiting: readonly Waiting[]
}

const text = z.string()
const kept = z.object({
  v: z.literal(1),
  firing: z.array(z.object({ key: text, alert: alertView, toldMs: z.number() })),
  waiting: z.array(
    z.object({
      key: text,
      sinceMs: z.number(),
      message: z.object({ status: z.enum(['firing', 'resolved']), alert: alertView, endsAt: text.nullable() }),
    }),
  ),
})

/**
 * `alerts.json` of the data folder: what fires and what is still to be told, so that a start repeats nothing and loses nothing. Not
 * the metadata store: that one may be what is away, and several Millraces share it while each tells its own alerts.
 */
export class AlertFile {
  readonly #path: string
  readonly #disk: Disk
  readonly #log: Logger
  #written = ''

  constructor(dataDir: string, disk: Disk, log: Logger) {
    this.#path = join(dataDir, 'alerts.json')
    this.#disk = disk
    this.#log = log
  }

  /** A file that cannot be read is as none: what fires is told again. */
  read(): KeptAlerts {
    const none = { firing: [], waiting: [] }
    if (!this.#disk.exists(this.#path)) return none
    try {
      return kept.parse(JSON.parse(Buffer.from(this.#disk.readFile(this.#path)).toString()))
    } catch (error) {
      this.#log.warn(`${this.#path} cannot be read: alerts that fire are told again`, { reason: messageOf(error) })
      return none
    }
  }

  /** When it changed. A disk that fails costs a message told twice after the next start. */
  write({ firing, waiting }: KeptAlerts): void {
    const content = JSON.stringify({ v: 1, firing, waiting })
    if (content === this.#written) return
    try {
      this.#disk.replaceFile(this.#path, `${content}\n`, 0o600)
      this.#written = content
    } catch (error) {
      this.#log.warn('the state of alerts could not be kept', { error })
    }
  }
}
