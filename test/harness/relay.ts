import { connect, type Socket } from 'node:net'
import type { Direction, Fault } from './proxy.ts'

const MOST_QUEUED_BYTES = 1_048_576

/** One connection through a proxy: two sockets, and a lane for each direction. */
export class Relay {
  readonly #client: Socket
  readonly #server: Socket
  readonly #lanes: Readonly<Record<Direction, Lane>>
  readonly #onGone: () => void
  #fault: Fault = { is: 'pass' }
  #bytesLeft = Number.POSITIVE_INFINITY
  #isGone = false
  #isDead = false

  constructor(client: Socket, target: { readonly host: string; readonly port: number }, onGone: () => void) {
    this.#client = client
    this.#server = connect({ ...target, allowHalfOpen: true, noDelay: true })
    this.#onGone = onGone
    const spend = (wanted: number): number => this.#spend(wanted)
    this.#lanes = { up: new Lane(client, this.#server, spend), down: new Lane(this.#server, client, spend) }
    for (const socket of [client, this.#server]) {
      // While it is silent, an end that goes away is not told of to the other; both go when the proxy is told to.
      socket.on('error', () => this.#isSilent() || this.cut())
      socket.on('close', (hadError) => this.#isSilent() || (hadError ? this.cut() : this.#closeWhenBothAre()))
    }
  }

  set(fault: Fault, random: () => number): void {
    const before = this.#fault
    this.#fault = fault
    if (before.is === 'half-open' && fault.is !== 'half-open') this.#wake(before.afterwards ?? 'resume')
    if (this.#isDead || this.#isGone) return
    this.#bytesLeft = fault.is === 'drop-after' ? fault.bytes : Number.POSITIVE_INFINITY
    for (const direction of ['up', 'down'] as const) this.#lanes[direction].set(paceOf(fault, direction, random))
  }

  /** RST to both ends. */
  cut(): void {
    if (this.#isGone) return
    this.#isGone = true
    for (const lane of Object.values(this.#lanes)) lane.stop()
    this.#client.resetAndDestroy()
    this.#server.resetAndDestroy()
    this.#onGone()
  }

  #wake(how: 'resume' | 'dead' | 'cut'): void {
    if (how === 'dead') {
      this.#isDead = true
      for (const lane of Object.values(this.#lanes)) lane.set({ is: 'silent' })
    } else if (how === 'cut' || this.#client.destroyed || this.#server.destroyed) this.cut()
  }

  #isSilent(): boolean {
    return this.#isDead || this.#fault.is === 'half-open'
  }

  #closeWhenBothAre(): void {
    if (this.#client.destroyed && this.#server.destroyed) this.cut()
  }

  /** How many of `wanted` bytes may still pass. */
  #spend(wanted: number): number {
    const granted = Math.min(wanted, this.#bytesLeft)
    this.#bytesLeft -= granted
    // What was granted is written first.
    if (this.#bytesLeft <= 0) setImmediate(() => this.cut())
    return granted
  }
}

type Pace = { readonly is: 'silent' } | { readonly is: 'moving'; delayMs(): number; readonly bytesPerMs: number }

function paceOf(fault: Fault, direction: Direction, random: () => number): Pace {
  const moving = { is: 'moving', delayMs: () => 0, bytesPerMs: Number.POSITIVE_INFINITY } as const
  switch (fault.is) {
    case 'half-open':
      return (fault.silent ?? 'both') === 'both' || fault.silent === direction ? { is: 'silent' } : moving
    case 'delay': {
      const delayMs = (direction === 'up' ? fault.upMs : fault.downMs) ?? 0
      return { ...moving, delayMs: () => delayMs + random() * (fault.jitterMs ?? 0) }
    }
    case 'limit':
      return { ...moving, bytesPerMs: fault.bytesPerSecond / 1_000 }
    default:
      return moving
  }
}

/** One direction: chunks wait for their time, in order; null is the end (FIN). */
class Lane {
  readonly #from: Socket
  readonly #to: Socket
  readonly #spend: (wanted: number) => number
  #queue: { chunk: Buffer | null; dueMs: number }[] = []
  #queuedBytes = 0
  #pace: Pace = { is: 'silent' }
  #timer: NodeJS.Timeout | null = null
  #lastDueMs = 0
  #mayWrite = true

  constructor(from: Socket, to: Socket, spend: (wanted: number) => number) {
    this.#from = from
    this.#to = to
    this.#spend = spend
    from.pause()
    from.on('data', (chunk: Buffer) => this.#take(chunk))
    from.once('end', () => this.#take(null))
    to.on('drain', () => {
      this.#mayWrite = true
      this.#move()
    })
  }

  set(pace: Pace): void {
    this.#pace = pace
    this.#lastDueMs = 0
    if (pace.is === 'silent') {
      this.#from.pause()
      this.#stopTimer()
      return
    }
    for (const entry of this.#queue) entry.dueMs = this.#dueMs(entry.chunk?.length ?? 0)
    this.#move()
  }

  stop(): void {
    this.#stopTimer()
    this.#queue = []
  }

  #take(chunk: Buffer | null): void {
    this.#queue.push({ chunk, dueMs: this.#dueMs(chunk?.length ?? 0) })
    this.#queuedBytes += chunk?.length ?? 0
    this.#move()
  }

  #dueMs(sizeBytes: number): number {
    if (this.#pace.is === 'silent') return 0
    const nowMs = performance.now()
    const { bytesPerMs } = this.#pace
    this.#lastDueMs = Math.max(this.#lastDueMs + sizeBytes / bytesPerMs, nowMs + sizeBytes / bytesPerMs + this.#pace.delayMs())
    return this.#lastDueMs
  }

  #move(): void {
    if (this.#pace.is === 'silent') return
    this.#stopTimer()
    while (this.#mayWrite) {
      const next = this.#queue[0]
      if (!next) break
      const waitMs = next.dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#move(), waitMs)
        break
      }
      this.#queue.shift()
      this.#write(next.chunk)
    }
    if (this.#queuedBytes > MOST_QUEUED_BYTES) this.#from.pause()
    else this.#from.resume()
  }

  #write(chunk: Buffer | null): void {
    if (this.#to.destroyed) return
    if (chunk === null) return void this.#to.end()
    this.#queuedBytes -= chunk.length
    const granted = this.#spend(chunk.length)
    if (granted > 0) this.#mayWrite = this.#to.write(chunk.subarray(0, granted))
  }

  #stopTimer(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }
}
