/** Work that never rejects. */
export type Job = () => Promise<void>

/** Jobs that wait for the one before them, by lane. */
export type Lanes = Map<number, Job[]>

interface Ready {
  readonly job: Job
  /** Null: beside all others. */
  readonly lane: { readonly lanes: Lanes; readonly number: number } | null
}

/** Runs jobs, so many at a time: those of a lane one after another, lanes beside each other in the order in which they came. */
export class Dispatcher {
  readonly #concurrency: number
  #ready: Ready[] = []
  /** Of `#ready`, where it begins: taking from the front of a long array costs its length. */
  #at = 0
  #running = 0

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  add(job: Job, lane: Ready['lane']): void {
    if (lane !== null) {
      const waiting = lane.lanes.get(lane.number)
      if (waiting) {
        waiting.push(job)
        return
      }
      lane.lanes.set(lane.number, [])
    }
    this.#ready.push({ job, lane })
    this.#pump()
  }

  #pump(): void {
    while (this.#running < this.#concurrency && this.#at < this.#ready.length) {
      const ready = this.#ready[this.#at++]
      if (ready) void this.#run(ready)
    }
    if (this.#at === this.#ready.length) {
      this.#ready = []
      this.#at = 0
    }
  }

  async #run(ready: Ready): Promise<void> {
    this.#running++
    await ready.job()
    this.#running--
    if (ready.lane) this.#next(ready.lane)
    this.#pump()
  }

  #next(lane: NonNullable<Ready['lane']>): void {
    const job = lane.lanes.get(lane.number)?.shift()
    if (job) this.#ready.push({ job, lane })
    else lane.lanes.delete(lane.number)
  }
}
