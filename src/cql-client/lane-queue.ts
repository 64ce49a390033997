import type { Batch } from './batch.ts'

interface Work {
  batch: Batch
  /** The rows of the batch that go this way; null: all. */
  rows: Uint32Array | null
  next: number
}

/** Rows that wait: those to be sent again first, then batch after batch. Taking one allocates nothing. */
export class LaneQueue {
  takenBatch: Batch | null = null
  takenRow = 0
  #work: Work[] = []
  readonly #again: { batch: Batch; row: number }[] = []

  get isEmpty(): boolean {
    return this.#again.length === 0 && this.#work.length === 0
  }

  add(batch: Batch, rows: Uint32Array | null): void {
    this.#work.push({ batch, rows, next: 0 })
  }

  putBack(batch: Batch, row: number): void {
    this.#again.push({ batch, row })
  }

  /** Sets `takenBatch` and `takenRow`; false when nothing waits. */
  take(): boolean {
    const again = this.#again.pop()
    if (again) {
      this.takenBatch = again.batch
      this.takenRow = again.row
      return true
    }
    for (let work = this.#work[0]; work; work = this.#work[0]) {
      const count = work.rows ? work.rows.length : work.batch.size
      if (work.next < count && !work.batch.isOver) {
        this.takenBatch = work.batch
        this.takenRow = work.rows ? (work.rows[work.next] ?? 0) : work.next
        work.next++
        return true
      }
      this.#work.shift()
    }
    this.takenBatch = null
    return false
  }

  /** Everything that waits, taken out. */
  takeAll(): { batch: Batch; rows: Uint32Array }[] {
    const rowsOf = new Map<Batch, number[]>()
    while (this.take()) {
      const batch = this.takenBatch
      if (!batch || batch.isOver) continue
      const rows = rowsOf.get(batch)
      if (rows) rows.push(this.takenRow)
      else rowsOf.set(batch, [this.takenRow])
    }
    return [...rowsOf].map(([batch, rows]) => ({ batch, rows: Uint32Array.from(rows) }))
  }
}

/** Which row each stream id carries. */
export class Slots {
  readonly #batches: (Batch | null)[]
  readonly #rows: Uint32Array
  readonly #sentAtMs: Float64Array
  readonly #free: Uint16Array
  #freeCount: number

  constructor(count: number) {
    this.#batches = Array.from<Batch | null>({ length: count }).fill(null)
    this.#rows = new Uint32Array(count)
    this.#sentAtMs = new Float64Array(count)
    this.#free = Uint16Array.from({ length: count }, (_, i) => count - 1 - i)
    this.#freeCount = count
  }

  get used(): number {
    return this.#free.length - this.#freeCount
  }

  occupy(batch: Batch, row: number, nowMs: number): number {
    const stream = this.#free[--this.#freeCount] ?? 0
    this.#batches[stream] = batch
    this.#rows[stream] = row
    this.#sentAtMs[stream] = nowMs
    return stream
  }

  batchOf(stream: number): Batch | null {
    return this.#batches[stream] ?? null
  }

  rowOf(stream: number): number {
    return this.#rows[stream] ?? 0
  }

  release(stream: number): void {
    this.#batches[stream] = null
    this.#free[this.#freeCount++] = stream
  }

  /** How long the oldest row has been without an answer; 0 when none is on its way. */
  oldestMs(nowMs: number): number {
    let oldest = nowMs
    this.#batches.forEach((batch, stream) => {
      if (batch) oldest = Math.min(oldest, this.#sentAtMs[stream] ?? nowMs)
    })
    return nowMs - oldest
  }

  takeAll(): { batch: Batch; row: number }[] {
    const taken: { batch: Batch; row: number }[] = []
    this.#batches.forEach((batch, stream) => {
      if (!batch) return
      taken.push({ batch, row: this.rowOf(stream) })
      this.release(stream)
    })
    return taken
  }
}
