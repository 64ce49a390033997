import { asMillraceError, messageOf, MillraceError, type Clock, type Disk, type Logger } from '../../platform/index.ts'
import { CommitLog, recordsOf, replayLog, type LogPosition } from './commit-log.ts'
import { Memtable } from './memtable.ts'
import { mergeInto } from './merge-into.ts'
import { MutationBuffer } from './mutation-buffer.ts'
import { mergeRecords } from './record.ts'
import { SortedStore, type StoredRecord } from './sorted-store.ts'
import { Sweeper, type Swept } from './sweeper.ts'

/** The memtable is applied to the sorted store this long after its first record, or when it is this big. */
const applyAfterMs = 300
const applyBytes = 4 * 1024 * 1024
/** While the sorted store is this much behind, writers are held back; while it cannot be written, refused. */
const congestedBytes = 12 * 1024 * 1024
const retryApplyMs = 2_000
/** Between two steps of a sweep: it takes a small share of the thread. */
const sweepPauseMs = 20

/** Whoever waits for a mutation to be safe. Exactly one of the two is called. */
export interface Waiter {
  committed(): void
  refused(error: MillraceError): void
}

export interface EngineOptions {
  /** Folder of the store's data; made when missing. */
  dataDir: string
  disk: Disk
  clock: Clock
  log: Logger
  /** `sync`: answer after fdatasync; `os`: after the write into the page cache. */
  flush: 'sync' | 'os'
  /** The commit log's files are about this long. */
  logFileBytes?: number
  /** False for a table that was dropped or truncated: its records are no longer applied. */
  isLive: (table: number) => boolean
  /** Of a table by its number; null for one that is no longer there. */
  gcGraceSeconds: (table: number) => number | null
  /** Of a record by its key, and those that the sorted store holds: true for one that tells of another what that no longer says. */
  isStale: (key: Buffer, stored: (key: Buffer) => Buffer | undefined) => boolean
}

type State = { is: 'open' } | { is: 'failed'; error: MillraceError } | { is: 'closed' }

/**
 * Commit log, memtables and sorted store as one: mutations go in as keyed records, reads merge what the three hold.
 * A mutation is visible to reads from when it stands in the log; it is answered when it is safe (P1).
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #store: SortedStore
  readonly #log: CommitLog
  /** Where statements write their records; see {@link submit}. */
  readonly mutations = new MutationBuffer()
  #pending: Waiter[] = []
  #unsynced: Waiter[] = []
  #active = new Memtable()
  #applying: Memtable | null = null
  #applied: Promise<void> = Promise.resolve()
  #applyFailed: MillraceError | null = null
  #cancelTimer: (() => void) | null = null
  #state: State = { is: 'open' }
  #flushScheduled = false
  #syncing: Promise<void> | null = null
  /** The sweep that runs; while one of its steps does, nothing is applied to the sorted store. */
  #sweeper: Sweeper | null = null
  #isSweeping = false
  #purged: Promise<unknown> = Promise.resolve()
  #onRelief: (() => void)[] = []
  /** Called once when the log can no longer be trusted. */
  onFailed: (error: MillraceError) => void = () => {}

  private constructor(options: EngineOptions, store: SortedStore, log: CommitLog) {
    this.#options = options
    this.#store = store
    this.#log = log
  }

  /** Opens the folder, replaying what the sorted store does not hold yet. */
  static async open(options: EngineOptions): Promise<{ engine: Engine; mutations: number; cutBytes: number }> {
    const { disk, dataDir } = options
    const folder = `${dataDir}/commitlog`
    disk.makeDir(folder)
    disk.makeDir(`${dataDir}/lmdb`)
    const store = SortedStore.open(`${dataDir}/lmdb`)
    try {
      const from = store.appliedPosition() ?? { file: 0, offset: 0 }
      let mutations = 0
      let memtable = new Memtable()
      const change = mergeInto(() => memtable, options.isLive)
      const { cutBytes, last } = await replayLog(disk, folder, from, async (payload) => {
        for (const { key, record } of recordsOf(payload)) {
          memtable.put(key.toString('latin1'), record)
          mutations++
        }
        if (memtable.sizeBytes < applyBytes) return
        await store.apply(memtable.keys(), change, null)
        memtable = new Memtable()
      })
      const log = new CommitLog(disk, folder, last + 1, options.flush === 'sync', options.logFileBytes)
      await store.apply(memtable.keys(), change, log.position)
      log.forgetBefore(log.position)
      return { engine: new Engine(options, store, log), mutations, cutBytes }
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** True while writers should wait: the sorted store is behind. {@link relief} tells when to go on, or to be refused. */
  get congested(): boolean {
    return this.#active.sizeBytes > congestedBytes && this.#applying !== null && this.refusal() === null
  }

  relief(callback: () => void): void {
    this.#onRelief.push(callback)
  }

  /** Why writes are refused now, or null. */
  refusal(): MillraceError | null {
    if (this.#state.is === 'failed') return this.#state.error
    if (this.#state.is === 'closed') return new MillraceError('CLOSED', 'The table store is shutting down.')
    if (this.#applyFailed && this.#active.sizeBytes > congestedBytes) return this.#applyFailed
    return null
  }

  /** Hands over the records written into {@link mutations} since its `begin`. */
  submit(waiter: Waiter): void {
    this.#pending.push(waiter)
    if (this.#flushScheduled || this.#syncing) return
    this.#flushScheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushScheduled = false
    if (this.#syncing) return
    this.writePending()
    if (this.#unsynced.length > 0) this.#sync()
  }

  /** Writes what was submitted so that reads see it; conditional updates do this before they read. */
  writePending(): void {
    if (this.mutations.isEmpty && this.#pending.length === 0) return
    const waiters = this.#pending
    this.#pending = []
    const { bytes, places, slab } = this.mutations.take()
    const refusal = this.refusal()
    if (refusal) return refuse(waiters, refusal)
    if (places.length > 0) {
      try {
        this.#log.append(bytes)
      } catch (error) {
        return this.#writeFailed(asMillraceError(error, 'DISK_FAILED'), waiters)
      }
      this.#remember(bytes, places, slab)
    }
    for (const waiter of waiters) this.#unsynced.push(waiter)
    if (this.#options.flush === 'sync') return
    const answered = this.#unsynced
    this.#unsynced = []
    for (const waiter of answered) waiter.committed()
  }

  #writeFailed(error: MillraceError, waiters: Waiter[]): void {
    if (error.code !== 'DISK_FULL') this.#fail(error)
    else this.#options.log.warn('the disk is full: writes are refused until there is room', { error })
    refuse(waiters, error)
  }

  #remember(bytes: Buffer, places: readonly number[], slab: Buffer): void {
    const memtable = this.#active
    memtable.slabs.add(slab)
    for (let i = 0; i + 3 < places.length; i += 4) {
      memtable.put(bytes.toString('latin1', places[i], places[i + 1]), bytes.subarray(places[i + 2], places[i + 3]))
    }
    if (memtable.sizeBytes > applyBytes) this.#startApply()
    else this.#cancelTimer ??= this.#options.clock.after(applyAfterMs, () => this.#startApply())
  }

  #sync(): void {
    const waiters = this.#unsynced
    this.#unsynced = []
    this.#syncing = this.#log.sync().then(
      () => {
        for (const waiter of waiters) waiter.committed()
      },
      (error: unknown) => {
        // After a failed fsync the kernel may have dropped the pages: what was written can no longer be known (P1).
        this.#fail(asMillraceError(error, 'DISK_FAILED'))
        refuse(waiters, asMillraceError(error, 'DISK_FAILED'))
      },
    )
    void this.#syncing.finally(() => {
      this.#syncing = null
      this.#flush()
    })
  }

  #fail(cause: MillraceError): void {
    if (this.#state.is !== 'open') return
    const error = new MillraceError(
      'DISK_FAILED',
      `The commit log cannot be written (${cause.message}): writes are refused until a restart.`,
      { cause },
    )
    this.#state = { is: 'failed', error }
    this.#options.log.error(error.message)
    this.onFailed(error)
  }

  #startApply(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (this.#applying || this.#isSweeping || this.#active.size === 0) return
    const memtable = this.#active
    this.#applying = memtable
    this.#active = new Memtable()
    this.#applied = this.#apply(memtable, this.#log.position)
  }

  async #apply(memtable: Memtable, position: LogPosition): Promise<void> {
    const change = mergeInto(() => memtable, this.#options.isLive)
    for (;;) {
      try {
        await this.#store.apply(memtable.keys(), change, position)
        break
      } catch (error) {
        this.#applyFails(error)
        if (this.#state.is === 'closed') return
        await this.#options.clock.sleep(retryApplyMs)
      }
    }
    if (this.#applyFailed) this.#options.log.info('the sorted store is written again')
    this.#applyFailed = null
    this.#applying = null
    for (const slab of memtable.slabs) if (!this.#active.slabs.has(slab)) this.mutations.recycle(slab)
    try {
      this.#log.forgetBefore(position)
    } catch (error) {
      this.#options.log.warn('old commit log files could not be removed; they are next time', { error })
    }
    this.#relieve()
    this.#sweeper?.applied(memtable)
    if (this.#state.is !== 'closed' && !this.#isSweeping) this.#applyOrWait()
  }

  /** What was answered stands in the commit log; memory is what bounds how much more may (P6). */
  #applyFails(cause: unknown): void {
    if (this.#applyFailed) return
    const error = new MillraceError(
      'DISK_FULL',
      `The sorted store cannot be written (${messageOf(cause)}): it is tried again, and writes are refused when ${congestedBytes >> 20} MB wait for it.`,
      { cause },
    )
    this.#applyFailed = error
    this.#options.log.error(error.message)
    // Who was held back hears that it is refused.
    this.#relieve()
  }

  #relieve(): void {
    for (const callback of this.#onRelief.splice(0)) callback()
  }

  /** The record under a key, or null; the caller's own. */
  get(key: Buffer): Buffer | null {
    const name = key.toString('latin1')
    let fresh = this.#active.get(name)
    const applying = this.#applying?.get(name)
    if (applying) fresh = fresh ? mergeRecords(key, applying, fresh) : applying
    const stored = this.#store.get(key)
    if (!fresh) return stored ?? null
    // Slabs are used again: what lies in one is copied.
    return Buffer.from(stored ? mergeRecords(key, stored, fresh) : fresh)
  }

  /** At most `limit` records from `start` (included) to `end` (not included), in order of their keys; in reverse, the last ones, backwards. */
  range(start: Buffer, end: Buffer, reverse: boolean, limit: number): StoredRecord[] {
    const merged = new Map<string, StoredRecord>()
    const add = (name: string, key: Buffer, record: Buffer): void => {
      const other = merged.get(name)
      merged.set(name, { key, record: other ? mergeRecords(key, other.record, record) : record })
    }
    const stored = this.#store.range(start, end, reverse, limit)
    const from = start.toString('latin1')
    const to = end.toString('latin1')
    const tables = this.#applying ? [this.#applying, this.#active] : [this.#active]
    const fresh = tables.map((table) => ({ table, names: table.range(from, to, reverse, limit) }))
    if (fresh.every(({ names }) => names.length === 0)) return stored
    for (const { key, record } of stored) add(key.toString('latin1'), key, record)
    for (const { table, names } of fresh) {
      for (const name of names) {
        const record = table.get(name)
        // Slabs are used again: what lies in one is copied.
        if (record) add(name, Buffer.from(name, 'latin1'), Buffer.from(record))
      }
    }
    const sign = reverse ? -1 : 1
    const sorted = [...merged.values()].sort((a, b) => sign * Buffer.compare(a.key, b.key))
    return sorted.length > limit ? sorted.slice(0, limit) : sorted
  }

  /**
   * Takes out what deletions shadow, and tombstones and expired cells older than their table's `gc_grace_seconds`, a step at a time. Steps
   * take turns with what is applied, so that writers who never pause are held up by one step at most and do not put it off. One at a time.
   */
  async sweep(onStep: (swept: Swept) => void = () => {}, pauseMs = sweepPauseMs): Promise<{ ended: 'done' | 'closed'; changed: number }> {
    const { clock } = this.#options
    const sweeper = new Sweeper(this.#store, this.#options, () => this.#active)
    this.#sweeper = sweeper
    let changed = 0
    try {
      for (;;) {
        const swept = await this.#sweepStep(sweeper)
        if (this.#state.is !== 'open') return { ended: 'closed', changed }
        if (!swept) return { ended: 'done', changed }
        changed += swept.changed
        onStep(swept)
        await clock.sleep(pauseMs)
      }
    } finally {
      this.#sweeper = null
    }
  }

  /** Waits for what is being applied; the next memtable then waits for the step. */
  async #sweepStep(sweeper: Sweeper): Promise<Swept | null> {
    this.#isSweeping = true
    try {
      await this.#applied
      return this.#state.is === 'open' ? await sweeper.step(Math.floor(this.#options.clock.nowMs() / 1000)) : null
    } finally {
      this.#isSweeping = false
      if (this.#state.is !== 'closed') this.#applyOrWait()
    }
  }

  #applyOrWait(): void {
    if (this.#active.sizeBytes > applyBytes) this.#startApply()
    else if (this.#active.size > 0) this.#cancelTimer ??= this.#options.clock.after(applyAfterMs, () => this.#startApply())
  }

  /** Removes all records of a table that is no longer live, a part at a time. False when the store was closed before it was done. */
  purge(start: Buffer, end: Buffer): Promise<boolean> {
    const run = this.#purge(start, end)
    this.#purged = Promise.allSettled([this.#purged, run])
    return run
  }

  async #purge(start: Buffer, end: Buffer): Promise<boolean> {
    while (this.#state.is !== 'closed') {
      const keys = this.#store.keys(start, end, 1_000).map((key) => key.toString('latin1'))
      if (keys.length === 0) return this.#applying === null || (await this.#applied.then(() => true))
      await this.#store.apply(keys, () => null, null)
    }
    return false
  }

  /** Writes and applies everything, then closes. */
  async close(): Promise<void> {
    if (this.#state.is === 'closed') return
    this.writePending()
    // What comes from now on is refused: a writer that goes on with each answer would never let it end.
    this.#state = { is: 'closed' }
    this.#relieve()
    while (this.#syncing || this.#unsynced.length > 0) {
      if (this.#syncing) await this.#syncing
      else this.#flush()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#cancelTimer?.()
    this.#cancelTimer = null
    await this.#applied
    await this.#purged
    while (this.#isSweeping) await new Promise((resolve) => setImmediate(resolve))
    while (!this.#applying && this.#active.size > 0) {
      this.#startApply()
      await this.#applied
    }
    this.#log.close()
    await this.#store.close()
  }
}

function refuse(waiters: readonly Waiter[], error: MillraceError): void {
  for (const waiter of waiters) waiter.refused(error)
}
