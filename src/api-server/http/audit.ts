import { createReadStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Clock } from '../../platform/index.ts'
import type { Principal } from '../access/roles.ts'

export interface AuditEntry {
  at: string
  who: string
  role: string
  via: string
  address: string
  action: string
  target: string | null
  before?: unknown
  after?: unknown
  outcome: 'done' | 'refused'
  /** Why it was refused. */
  error: string | null
}

/** Who did what, when, to what: JSON lines in `logs/audit.log`, written before the answer leaves. */
export class AuditLog {
  readonly #path: string
  readonly #clock: Pick<Clock, 'nowMs'>
  #file: Promise<FileHandle> | null = null

  constructor(logsDir: string, clock: Pick<Clock, 'nowMs'>) {
    this.#path = join(logsDir, 'audit.log')
    this.#clock = clock
  }

  async write(who: Principal, address: string, entry: Omit<AuditEntry, 'at' | 'who' | 'role' | 'via' | 'address'>): Promise<void> {
    // One that fails is forgotten: the next entry tries again.
    this.#file ??= open(this.#path, 'a', 0o600).catch((error: unknown) => {
      this.#file = null
      throw error
    })
    const { name, role, via } = who
    const line: AuditEntry = { at: new Date(this.#clock.nowMs()).toISOString(), who: name, role, via, address, ...entry }
    await (await this.#file).appendFile(JSON.stringify(line) + '\n')
  }

  /** The newest `limit`, newest first. Reads the last mebibyte at most for each hundred asked for. */
  async newest(limit: number): Promise<AuditEntry[]> {
    const size = await stat(this.#path).then(
      (found) => found.size,
      () => 0,
    )
    if (size === 0) return []
    const start = Math.max(0, size - Math.ceil(limit / 100) * 1_048_576)
    const lines: AuditEntry[] = []
    let isFirst = start > 0
    for await (const line of createInterface({ input: createReadStream(this.#path, { start }) })) {
      // Begun in the middle of a line.
      if (isFirst) isFirst = false
      else lines.push(...entryIn(line))
    }
    return lines.slice(-limit).toReversed()
  }

  async close(): Promise<void> {
    await (await this.#file)?.close()
  }
}

/** None in a line that a crash cut off: it hides the one written after it, and no others. */
function entryIn(line: string): AuditEntry[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as AuditEntry]
  } catch {
    return []
  }
}
