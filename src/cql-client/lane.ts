import { asMillraceError, backoffMs, MillraceError } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'
import { ByteWriter, CqlValueError, endFrame, errors, type ErrorResponse, type Response } from '../cql-wire/index.ts'
import type { Batch } from './batch.ts'
import { CqlConnection } from './connection.ts'
import { isTransient, serverError } from './errors.ts'
import { prepareInsert, type Insert, type PreparedInsert } from './insert.ts'
import type { ConnectionOptions } from './options.ts'
import { LaneQueue, Slots } from './lane-queue.ts'

/** A row is sent at most so often before its batch is given up as unavailable. */
const maxTries = 8
const maxConnects = 5
const retryDelay = { initialMs: 20, maxMs: 2_000 }
/** Cassandra closes a connection over a larger frame (`native_transport_max_frame_size`); one huge row must not stop a stream (P6). */
const maxRowBytes = 16 * 1024 * 1024
const leastWindow = 8
const sendAtBytes = 256 * 1024

type LaneState =
  | { is: 'idle' }
  | { is: 'connecting'; abort: AbortController }
  | { is: 'open'; connection: CqlConnection; prepared: PreparedInsert }
  /** The server has forgotten the statement, or has refused rows for a reason that may be the table's: no sending until it is prepared again. */
  | { is: 'preparing'; connection: CqlConnection; suspects: { batch: Batch; row: number; error: MillraceError }[] }
  | { is: 'closed' }

export interface LaneEvents {
  /** The node cannot be reached, or not be written to: the rows that wait in `queue` are the writer's again. */
  down(lane: Lane, error: MillraceError): void
  opened(lane: Lane): void
}

/**
 * The way to one node: one connection on which rows go out as EXECUTE frames, many in flight, one socket write per turn of the event loop.
 * Rows are idempotent (P2): whatever has no answer is sent again, in any order.
 */
export class Lane {
  readonly address: Address
  readonly queue = new LaneQueue()
  readonly #options: ConnectionOptions
  readonly #insert: Insert
  readonly #events: LaneEvents
  readonly #slots: Slots
  readonly #maxWindow: number
  #window: number
  #state: LaneState = { is: 'idle' }
  #isPaused = false
  #pauses = 0
  #isScheduled = false
  #cancelWatch: (() => void) | null = null
  #spare: ByteWriter[] = []

  constructor(address: Address, options: ConnectionOptions, insert: Insert, maxInFlight: number, events: LaneEvents) {
    this.address = address
    this.#options = options
    this.#insert = insert
    this.#events = events
    this.#slots = new Slots(maxInFlight)
    this.#maxWindow = maxInFlight
    this.#window = maxInFlight
  }

  get connection(): CqlConnection | null {
    return this.#state.is === 'open' || this.#state.is === 'preparing' ? this.#state.connection : null
  }

  /** The first connection, with its error for the one who asked; later ones are the lane's own affair. */
  async open(signal?: AbortSignal): Promise<PreparedInsert> {
    const connection = await CqlConnection.open(this.address, this.#options, signal)
    try {
      const prepared = await prepareInsert(connection, this.#insert)
      this.#adopt(connection, prepared)
      return prepared
    } catch (error) {
      connection.close()
      throw error
    }
  }

  /** Sends what is queued, in this turn of the event loop at the latest; connects first where needed. */
  wake(): void {
    if (this.#state.is === 'idle') void this.#connect()
    if (this.#isScheduled || this.#state.is !== 'open') return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#pump()
    })
  }

  /** Closes the lane and gives back every row that has no outcome. */
  retire(): { batch: Batch; rows: Uint32Array }[] {
    const suspects = this.#state.is === 'preparing' ? this.#state.suspects : []
    for (const { batch, row } of [...suspects, ...this.#slots.takeAll()]) this.queue.putBack(batch, row)
    this.close()
    return this.queue.takeAll()
  }

  close(): void {
    const connection = this.connection
    if (this.#state.is === 'connecting') this.#state.abort.abort()
    this.#state = { is: 'closed' }
    this.#cancelWatch?.()
    connection?.close()
  }

  async #connect(): Promise<void> {
    const abort = new AbortController()
    this.#state = { is: 'connecting', abort }
    for (let attempt = 0; ; attempt++) {
      try {
        const connection = await CqlConnection.open(this.address, this.#options, abort.signal)
        const prepared = await prepareInsert(connection, this.#insert).catch((error: unknown) => {
          connection.close()
          throw error
        })
        if (this.#isClosed()) return connection.close()
        return this.#adopt(connection, prepared)
      } catch (cause) {
        if (this.#isClosed()) return
        const error = asMillraceError(cause)
        if (!error.retriable || attempt + 1 >= maxConnects) {
          this.#state = { is: 'idle' }
          return this.#events.down(this, error)
        }
        await this.#options.clock.sleep(backoffMs(attempt, { initialMs: 50, maxMs: 2_000 }), abort.signal).catch(() => {})
        if (this.#isClosed()) return
      }
    }
  }

  #isClosed(): boolean {
    return this.#state.is === 'closed'
  }

  #adopt(connection: CqlConnection, prepared: PreparedInsert): void {
    this.#state = { is: 'open', connection, prepared }
    connection.listener = {
      done: (stream) => this.#written(stream),
      answer: (stream, response) => this.#answered(stream, response),
      drained: () => this.wake(),
    }
    void connection.closed.then((error) => this.#lost(connection, error))
    this.#watch(connection)
    this.#events.opened(this)
    this.wake()
  }

  /** The oldest row without an answer for longer than the time-out: the connection is taken for dead. */
  #watch(connection: CqlConnection): void {
    const { requestTimeoutMs, clock } = this.#options
    this.#cancelWatch?.()
    this.#cancelWatch = clock.after(requestTimeoutMs / 4, () => {
      if (!connection.isOpen) return
      if (this.#slots.oldestMs(clock.monotonicMs()) <= requestTimeoutMs) return this.#watch(connection)
      const where = formatAddress(this.address)
      connection.close(new MillraceError('TIMED_OUT', `Cassandra at ${where} left a row without an answer for ${requestTimeoutMs} ms.`))
    })
  }

  #lost(connection: CqlConnection, error: MillraceError): void {
    if (this.#state.is === 'closed' || this.connection !== connection) return
    const suspects = this.#state.is === 'preparing' ? this.#state.suspects : []
    this.#state = { is: 'idle' }
    this.#cancelWatch?.()
    this.#options.log.warn('connection lost', { address: formatAddress(this.address), error })
    for (const { batch, row } of suspects) this.#again(batch, row, error)
    for (const { batch, row } of this.#slots.takeAll()) this.#again(batch, row, error)
    if (!this.queue.isEmpty) void this.#connect()
  }

  #written(stream: number): void {
    const batch = this.#slots.batchOf(stream)
    if (!batch) return
    this.#slots.release(stream)
    batch.settleWritten()
    if (this.#window < this.#maxWindow) this.#window++
    else this.#pauses = 0
  }

  #answered(stream: number, response: Response): void {
    const batch = this.#slots.batchOf(stream)
    const row = this.#slots.rowOf(stream)
    // An ERROR for a stream without a row is about the connection itself; the server closes it next.
    if (!batch) return
    if (response.opcode === 'RESULT') return this.#written(stream)
    this.#slots.release(stream)
    if (response.opcode === 'ERROR') this.#failed(batch, row, response)
    else batch.fail(new MillraceError('PROTOCOL', `${formatAddress(this.address)} answered EXECUTE with ${response.opcode}.`))
  }

  #failed(batch: Batch, row: number, response: ErrorResponse): void {
    if (response.code === errors.UNPREPARED) {
      if (this.#again(batch, row, serverError(response))) this.#prepareAgain()
    } else if (isTransient(response.code)) {
      if (this.#again(batch, row, serverError(response))) this.#slowDown()
    } else if (response.code !== errors.INVALID) {
      // What is no row's fault ends no row (P6): a right that was taken away, a server that does not know the statement's grammar.
      batch.fail(serverError(response))
    } else {
      const details = { cqlCode: response.code }
      const error = new MillraceError('RECORD_REFUSED', `Cassandra refused the row: ${response.message}`, { details })
      this.#prepareAgain()
      if (this.#state.is === 'preparing') this.#state.suspects.push({ batch, row, error })
    }
  }

  /** Puts a row back; false when it has been tried too often, which ends its batch. */
  #again(batch: Batch, row: number, error: MillraceError): boolean {
    if (batch.isOver) return false
    if (batch.countTry(row) >= maxTries) {
      batch.fail(error, retryDelay.maxMs)
      return false
    }
    this.queue.putBack(batch, row)
    return true
  }

  /** Half the rows in flight, and a pause that grows until all is well again (P6: a sick sink slows the stream down). */
  #slowDown(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#window = Math.max(Math.min(leastWindow, this.#maxWindow), this.#window >> 1)
    this.#options.clock.after(backoffMs(this.#pauses++, retryDelay), () => {
      this.#isPaused = false
      this.wake()
    })
  }

  /**
   * Prepares once more before going on. A refusal (INVALID) counts as the row's own only when the statement still prepares: else the
   * table has been dropped or altered, and no row is to blame (P6).
   */
  #prepareAgain(): void {
    if (this.#state.is !== 'open') return
    const { connection } = this.#state
    const suspects: { batch: Batch; row: number; error: MillraceError }[] = []
    this.#state = { is: 'preparing', connection, suspects }
    void this.#finishPreparing(connection, suspects)
  }

  async #finishPreparing(connection: CqlConnection, suspects: { batch: Batch; row: number; error: MillraceError }[]): Promise<void> {
    try {
      const prepared = await prepareInsert(connection, this.#insert)
      if (this.connection !== connection) return
      this.#state = { is: 'open', connection, prepared }
      for (const { batch, row, error } of suspects) if (!batch.isOver) batch.settleRefused(row, error)
      this.wake()
    } catch (cause) {
      this.#tableGone(connection, suspects, asMillraceError(cause))
    }
  }

  #tableGone(connection: CqlConnection, suspects: { batch: Batch; row: number }[], error: MillraceError): void {
    // A connection that ended is `#lost`'s affair.
    if (this.connection !== connection || !connection.isOpen) return
    this.#state = { is: 'idle' }
    for (const { batch, row } of [...suspects, ...this.#slots.takeAll()]) this.queue.putBack(batch, row)
    connection.close(error)
    this.#events.down(this, error)
  }

  #pump(): void {
    if (this.#state.is !== 'open' || this.#isPaused) return
    const now = this.#options.clock.monotonicMs()
    const { connection, prepared } = this.#state
    const out = this.#spare.pop() ?? new ByteWriter(sendAtBytes * 2)
    while (this.#slots.used < this.#window && out.at < sendAtBytes && this.queue.take()) {
      this.#append(out, prepared, now)
    }
    if (out.at === 0) {
      this.#spare.push(out)
      return
    }
    const isFull = out.at >= sendAtBytes
    connection.send(out.bytes.subarray(0, out.at), () => {
      out.at = 0
      if (this.#spare.length < 4 && out.bytes.length <= sendAtBytes * 4) this.#spare.push(out)
      if (isFull) this.wake()
    })
  }

  /** Appends the EXECUTE of the row just taken from the queue; a row that does not fit the columns is refused here. */
  #append(out: ByteWriter, prepared: PreparedInsert, now: number): void {
    const { takenBatch: batch, takenRow: row } = this.queue
    if (!batch || batch.isOver) return
    const start = out.ensure(prepared.prefix.length)
    try {
      out.bytes.set(prepared.prefix, start)
      out.at = start + prepared.prefix.length
      batch.encodeRow(out, row)
      if (out.at - start > maxRowBytes) throw new CqlValueError(`${out.at - start} bytes, where a row may have ${maxRowBytes}`)
    } catch (error) {
      out.at = start
      if (!(error instanceof CqlValueError)) throw error
      batch.settleRefused(row, new MillraceError('RECORD_REFUSED', `The row cannot be written: ${error.message}.`, { cause: error }))
      return
    }
    const stream = this.#slots.occupy(batch, row, now)
    out.bytes[start + 2] = stream >> 8
    out.bytes[start + 3] = stream
    endFrame(out, start)
  }
}
