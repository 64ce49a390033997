import { abortReason, MillraceError } from '../platform/index.ts'
import { formatAddress, type Address } from './address.ts'
import { ByteWriter, compositeKey, CqlValueError, murmur3Token } from '../cql-wire/index.ts'
import { Batch, rowEncoder, type RowEncoder, type Rows, type WriterColumn, type WriteResult } from './batch.ts'
import { mayTryElsewhere, type CqlConnection } from './connection.ts'
import type { Insert } from './insert.ts'
import { Lane } from './lane.ts'
import type { ConnectionOptions } from './options.ts'
import { readTopology, Ring } from './topology.ts'

export interface WriterOptions {
  keyspace: string
  table: string
  /** All columns of the table that a row has, the key's among them. */
  columns: readonly WriterColumn[]
  /** Rows without an answer per node, at most; fewer while a node is overloaded. Default 512. */
  maxInFlight?: number
}

export interface RowWriter extends AsyncDisposable {
  /**
   * Writes rows with INSERT … USING TIMESTAMP. One outcome per row, same order; `writeMicros[i]` is row i's write time (P2).
   * Rejects only with the signal's reason, CLOSED, or BAD_REQUEST when there is not one time for each row. The rows must not be changed before it has settled.
   */
  write(rows: Rows, writeMicros: BigInt64Array, signal: AbortSignal): Promise<WriteResult>
  /** Rows on their way are not waited for: their `write` rejects with CLOSED. */
  close(): Promise<void>
}

/** The session that opened a writer. */
export interface WriterOwner {
  closed(writer: RowWriter): void
  /** A connection to whoever answers now, not to be closed, and the options that hold now. */
  reach(): Promise<{ connection: CqlConnection; options: ConnectionOptions }>
}

/** How long a node that failed is left alone while others are there. */
const downMs = 5_000
const unreachableRetryMs = 1_000

/** Opens the way to the first contact point that answers; the other nodes of the data centre follow when rows belong to them. */
export async function openWriter(
  options: WriterOptions,
  connect: ConnectionOptions,
  contacts: readonly Address[],
  owner: WriterOwner,
): Promise<RowWriter> {
  if (options.columns.some((column) => column.type.is === 'counter')) {
    throw new MillraceError('TABLE_MISMATCH', `${options.keyspace}.${options.table} is a counter table: rows cannot be inserted (P2).`)
  }
  const { keyspace, table, columns } = options
  const insert: Insert = { keyspace, table, columns, consistency: connect.consistency }
  const writer = new TokenAwareWriter(insert, connect, Math.min(options.maxInFlight ?? 512, 16_384), owner)
  try {
    await writer.start(contacts)
    return writer
  } catch (error) {
    await writer.close()
    throw error
  }
}

class TokenAwareWriter implements RowWriter {
  readonly #insert: Insert
  #connect: ConnectionOptions
  readonly #maxInFlight: number
  readonly #encode: RowEncoder
  readonly #batches = new Set<Batch>()
  readonly #downUntil = new Map<Lane, number>()
  readonly #owner: WriterOwner
  #lanes: Lane[] = []
  #ring = new Ring([])
  #pkIndexes: readonly number[] = []
  #scratch = new ByteWriter(1024)
  #isClosed = false
  #isFinding = false

  constructor(insert: Insert, connect: ConnectionOptions, maxInFlight: number, owner: WriterOwner) {
    this.#owner = owner
    this.#insert = insert
    this.#connect = connect
    this.#maxInFlight = maxInFlight
    this.#encode = rowEncoder(insert.columns)
  }

  async start(contacts: readonly Address[]): Promise<void> {
    let failure: unknown = null
    for (const address of contacts) {
      const lane = this.#newLane(address)
      try {
        const { pkIndexes } = await lane.open()
        this.#pkIndexes = pkIndexes
        this.#lanes.push(lane)
        return await this.#followRing(lane.connection)
      } catch (error) {
        failure = error
        lane.close()
        this.#lanes = []
        if (!mayTryElsewhere(error)) throw error
      }
    }
    throw failure
  }

  #newLane(address: Address): Lane {
    return new Lane(address, this.#connect, this.#insert, this.#maxInFlight, {
      down: (lane, error) => this.#laneDown(lane, error),
      opened: (lane) => {
        this.#downUntil.delete(lane)
        void lane.connection?.request({ opcode: 'REGISTER', events: ['TOPOLOGY_CHANGE'] }).catch(() => {})
        if (lane.connection) lane.connection.onEvent = () => this.#ringChanged(lane)
      },
    })
  }

  #ringChanged(lane: Lane): void {
    this.#followRing(lane.connection).catch((error: unknown) => {
      this.#connect.log.warn('the topology could not be read; the one known stays', { error })
    })
  }

  /** Lanes for the nodes that there are now; the rows of nodes that have left go to the others. */
  async #followRing(connection: CqlConnection | null): Promise<void> {
    if (!connection) return
    const nodes = await readTopology(connection, this.#connect)
    if (this.#isClosed) return
    const known = new Map(this.#lanes.map((lane) => [formatAddress(lane.address), lane]))
    const lanes = nodes.map((node) => known.get(formatAddress(node.address)) ?? this.#newLane(node.address))
    const gone = this.#lanes.filter((lane) => !lanes.includes(lane))
    this.#lanes = lanes
    this.#ring = new Ring(nodes.map((node) => node.tokens))
    for (const lane of gone) {
      this.#downUntil.delete(lane)
      for (const { batch, rows } of lane.retire()) this.#route(batch, rows)
    }
  }

  write(rows: Rows, writeMicros: BigInt64Array, signal: AbortSignal): Promise<WriteResult> {
    if (this.#isClosed) return Promise.reject(new MillraceError('CLOSED', 'The writer was closed.'))
    if (signal.aborted) return Promise.reject(abortReason(signal))
    const batch = new Batch(rows, writeMicros, this.#encode)
    if (writeMicros.length !== batch.size) {
      return Promise.reject(new MillraceError('BAD_REQUEST', `${batch.size} rows came with ${writeMicros.length} write times.`))
    }
    const onAbort = (): void => batch.giveUp(abortReason(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    this.#batches.add(batch)
    if (!batch.isOver) this.#route(batch, null)
    return batch.result.finally(() => {
      signal.removeEventListener('abort', onAbort)
      this.#batches.delete(batch)
    })
  }

  close(): Promise<void> {
    this.#isClosed = true
    for (const lane of this.#lanes) lane.close()
    for (const batch of this.#batches) batch.giveUp(new MillraceError('CLOSED', 'The writer was closed.'))
    this.#owner.closed(this)
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Queues rows (null: all) at the nodes that own them, or at the next one that is up. */
  #route(batch: Batch, rows: Uint32Array | null): void {
    const only = this.#lanes.length === 1 ? this.#lanes[0] : undefined
    if (only) {
      only.queue.add(batch, rows)
      return only.wake()
    }
    const isUp = this.#lanesUp()
    const rowsOf: number[][] = this.#lanes.map(() => [])
    const count = rows ? rows.length : batch.size
    for (let i = 0; i < count; i++) {
      const row = rows ? (rows[i] ?? 0) : i
      let lane = this.#ownerOf(batch, row)
      for (let step = 0; step < this.#lanes.length && !isUp[lane]; step++) lane = (lane + 1) % this.#lanes.length
      rowsOf[lane]?.push(row)
    }
    this.#lanes.forEach((lane, i) => {
      const own = rowsOf[i]
      if (!own || own.length === 0) return
      lane.queue.add(batch, Uint32Array.from(own))
      lane.wake()
    })
  }

  #lanesUp(): boolean[] {
    const now = this.#connect.clock.monotonicMs()
    return this.#lanes.map((lane) => (this.#downUntil.get(lane) ?? 0) <= now)
  }

  /** A row that cannot be encoded goes anywhere: it is refused on the way out. */
  #ownerOf(batch: Batch, row: number): number {
    if (this.#pkIndexes.length === 0) return row % this.#lanes.length
    const out = this.#scratch
    out.at = 0
    try {
      batch.encodeValues(out, row)
    } catch (error) {
      if (error instanceof CqlValueError) return 0
      throw error
    }
    const parts: Uint8Array[] = []
    const starts = valueStarts(out)
    for (const index of this.#pkIndexes) {
      const start = starts[index] ?? 0
      parts.push(out.bytes.subarray(start + 4, start + 4 + Math.max(0, out.bytes.readInt32BE(start))))
    }
    return this.#ring.ownerOf(murmur3Token(compositeKey(parts)))
  }

  /** What waited for a lane that is down goes to the others; where none is up, or the table itself is the fault, it is unavailable (P6). */
  #laneDown(lane: Lane, error: MillraceError): void {
    this.#downUntil.set(lane, this.#connect.clock.monotonicMs() + downMs)
    const waiting = lane.queue.takeAll()
    const isUp = this.#lanesUp()
    const canGoOn = mayTryElsewhere(error) && this.#lanes.some((_, i) => isUp[i])
    for (const { batch, rows } of waiting) {
      if (canGoOn) this.#route(batch, rows)
      else batch.fail(error, unreachableRetryMs)
    }
    if (!isUp.some(Boolean)) void this.#findAgain()
  }

  /** No node that is known answers. All may have other addresses by now: whoever answers at a contact point tells. */
  async #findAgain(): Promise<void> {
    if (this.#isFinding || this.#isClosed) return
    this.#isFinding = true
    try {
      const { connection, options } = await this.#owner.reach()
      this.#connect = options
      await this.#followRing(connection)
    } catch (error) {
      this.#connect.log.debug('no contact point answers either', { error })
    } finally {
      this.#isFinding = false
    }
  }
}

/** Where each value's length stands in a row's encoded values. */
function valueStarts(out: ByteWriter): number[] {
  const starts: number[] = []
  for (let at = 0; at + 4 <= out.at; at += 4 + Math.max(0, out.bytes.readInt32BE(at))) starts.push(at)
  return starts
}
