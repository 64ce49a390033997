import { ByteWriter, type EncodedRows } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'
import type { Table } from '../schema/index.ts'
import { spareBuffers } from '../spare-buffers.ts'
import { tableStart, type Engine } from '../storage/index.ts'
import { isDropped, scanIndex } from './index-scan.ts'
import { decodePagingState, encodePagingState, type PagingState } from './paging.ts'
import type { PlainColumns } from './plain-rows.ts'
import { readPoints } from './point-read.ts'
import { scanSegment, type ScannedRow, type Segment } from './scan.ts'
import type { Scope } from './scope.ts'
import type { SegmentPlan } from './segments.ts'
import type { Running, Selector } from './selector.ts'
import type { TableRow } from './table-row.ts'
import { compareValues } from './values.ts'
import type { Filter } from './where.ts'

export interface Page {
  rows: (Uint8Array | null)[][]
  /** In place of `rows`. */
  encoded?: EncodedRows
  pagingState: Uint8Array | null
}

/** Rows of tables that are not stored but known: `system.local` and its like. */
export type VirtualRows = () => TableRow[]

/** A page ends after this many bytes of values too, when the client pages at all. */
const pageBytes = 8 * 1024 * 1024
/** Memory that a page begins with at least. */
export const leastPageBytes = 16 * 1024
const noBytes = Buffer.alloc(0)

export interface Plan {
  table: Table
  selectors: readonly Selector[]
  segments: SegmentPlan
  filters: readonly Filter[]
  reverse: boolean
  distinct: boolean
  /** Aggregates over all rows, or over those that share the partition key and so many clustering columns. */
  group: { isWhole: boolean; clusteringColumns: number } | null
  /** Order of rows that do not come in it. */
  sort: ((a: ScannedRow, b: ScannedRow) => number) | null
  limit: (scope: Scope) => number | null
  perPartition: (scope: Scope) => number | null
  /** Where nothing but columns are selected, and none has to be put together. */
  plain: PlainColumns | null
  /** The next page is likely as big. */
  lastPage: { sizeBytes: number }
}

interface Chunk {
  segment: number
  rows: ScannedRow[]
  /** No other partition follows: the key is given, and this is the last of its values. */
  isLastPartition: boolean
}

/** Rows of all segments from a page's beginning on, with the segment they came from. */
async function* scanned(
  plan: Plan,
  scope: Scope,
  engine: Engine,
  virtual: VirtualRows | null,
  from: { segment: number; key: Buffer } | null,
): AsyncGenerator<Chunk> {
  if (virtual) {
    const none = Buffer.alloc(0)
    yield { segment: 0, rows: inKeyOrder(plan, virtual()).map((row) => ({ ...row, key: none })), isLastPartition: false }
    return
  }
  const indexed = plan.segments.indexed(scope)
  if (indexed) {
    for await (const rows of scanIndex(engine, plan.table, indexed, from?.key ?? null, () => scope.nowSeconds)) {
      yield { segment: 0, rows, isLastPartition: plan.segments.isKeyed }
      from = { segment: 0, key: rows.at(-1)?.key ?? Buffer.alloc(0) }
    }
    if (!isDropped(indexed)) return
    // Dropped meanwhile: what it did not tell any more is looked for as if there were none.
  }
  const segments = plan.reverse ? reversedWithin(plan.segments.segments(scope)) : plan.segments.segments(scope)
  for (let segment = from?.segment ?? 0; segment < segments.length; segment++) {
    const part = segments[segment]
    if (!part) break
    const after = from && segment === from.segment ? from.key : null
    const isLastPartition = part.partition !== null && part.partition === segments.at(-1)?.partition
    for await (const rows of scanSegment(engine, plan.table, part, plan.reverse, after, () => scope.nowSeconds))
      yield { segment, rows, isLastPartition }
  }
}

/** Partitions keep their order; the parts of each are read from the last one on. */
function reversedWithin(segments: readonly Segment[]): Segment[] {
  const byPartition = Map.groupBy(segments, ({ partition }) => partition)
  return [...byPartition.values()].flatMap((parts) => parts.toReversed())
}

/** With IN on the partition key its values decide the order, as for stored rows; else tokens do. */
function inKeyOrder(plan: Plan, rows: TableRow[]): TableRow[] {
  const [column] = plan.table.partitionKey
  if (!plan.segments.isKeyed || !column) return rows
  const none = new Uint8Array(0)
  return rows.toSorted((a, b) => compareValues(column.type, a.partition[0] ?? none, b.partition[0] ?? none))
}

/** A test for all filters at once. */
function rowFilter(filters: readonly Filter[], scope: Scope): (row: TableRow) => boolean {
  const tests = filters.map(({ test }) => test(scope))
  return (row) => tests.every((passes) => passes(row))
}

export interface Paging {
  pageSize: number | null
  pagingState: Uint8Array | null
}

/** One page of an answer; at once when it takes a few reads of single rows. */
export function runSelect(plan: Plan, scope: Scope, engine: Engine, virtual: VirtualRows | null, paging: Paging): Promise<Page> | Page {
  const points = virtual ? null : readPoints(plan, scope, engine, paging)
  if (points) return points
  if (plan.group) return runGroups(plan, plan.group, scope, engine, virtual, paging)
  if (plan.sort) return runSorted(plan, plan.sort, scope, engine, paging)
  return runRows(plan, scope, engine, virtual, paging)
}

interface Start {
  from: PagingState | null
  pageSize: number
  remaining: number | null
  perPartition: number | null
}

function startOf(plan: Plan, scope: Scope, virtual: VirtualRows | null, { pageSize, pagingState }: Paging): Start {
  const from = pagingState && !virtual ? decodePagingState(pagingState, tableStart(plan.table.number)) : null
  return {
    from,
    pageSize: virtual || pageSize === null || pageSize <= 0 ? Infinity : pageSize,
    remaining: from ? from.remaining : plan.limit(scope),
    perPartition: plan.distinct ? 1 : plan.perPartition(scope),
  }
}

/** Counts what was given of the partition that is being read, over pages too. */
class PartitionCount {
  #partition: readonly Uint8Array[] | null = null
  readonly #from: PagingState | null
  given = 0

  constructor(from: PagingState | null) {
    this.#from = from
  }

  /** True when the row is the first of another partition. */
  enter(row: ScannedRow): boolean {
    if (isSamePartition(this.#partition, row.partition)) return false
    const isFirst = this.#partition === null
    this.given = isFirst && this.#from && continues(this.#from.key, row) ? this.#from.inPartition : 0
    this.#partition = row.partition
    return true
  }
}

async function runRows(plan: Plan, scope: Scope, engine: Engine, virtual: VirtualRows | null, paging: Paging): Promise<Page> {
  const { from, pageSize, perPartition, ...start } = startOf(plan, scope, virtual, paging)
  let { remaining } = start
  const passes = rowFilter(plan.filters, scope)
  const count = new PartitionCount(from)
  const answer = new PageWriter(plan, scope)
  for await (const chunk of scanned(plan, scope, engine, virtual, from)) {
    for (const row of chunk.rows) {
      if (!passes(row)) continue
      count.enter(row)
      if (perPartition !== null && count.given >= perPartition) continue
      count.given++
      answer.add(row)
      if (remaining !== null && --remaining === 0) return answer.page(null)
      // As Cassandra has it, a page that is full is followed by another, if only an empty one.
      if (answer.count < pageSize && (pageSize === Infinity || answer.valueBytes <= pageBytes)) continue
      if (chunk.isLastPartition && isPartitionDone(plan, row, count.given, perPartition)) return answer.page(null)
      return answer.page(encodePagingState({ segment: chunk.segment, key: row.key, remaining, inPartition: count.given }))
    }
  }
  return answer.page(null)
}

/** Rows as they are selected, written as the protocol has them at once: as objects, those of a page are many. */
class PageWriter {
  readonly #plan: Plan
  readonly #scope: Scope
  readonly #out = new ByteWriter(noBytes)
  count = 0

  constructor(plan: Plan, scope: Scope) {
    this.#plan = plan
    this.#scope = scope
  }

  /** Of the values alone, without their lengths. */
  get valueBytes(): number {
    return this.#out.at - 4 * this.count * this.#plan.selectors.length
  }

  add(row: ScannedRow): void {
    const { plain, selectors, lastPage } = this.#plan
    // Not before there is a row: many may look in vain at once.
    if (this.count++ === 0) this.#out.bytes = spareBuffers.take(lastPage.sizeBytes)
    if (row.record && plain?.write(this.#out, row.record, row)) return
    for (const selector of selectors) this.#out.longBytes(selector.value(row, this.#scope))
  }

  page(pagingState: Uint8Array | null): Page {
    const { bytes, at } = this.#out
    this.#plan.lastPage.sizeBytes = Math.min(Math.max(at, leastPageBytes), pageBytes)
    const release = (): void => spareBuffers.giveBack(bytes)
    return { rows: [], encoded: { count: this.count, bytes: bytes.subarray(0, at), release }, pagingState }
  }
}

/** True when nothing of a partition can follow a row, as it is known without looking (Cassandra's `remainingInPartition`). */
function isPartitionDone({ table }: Plan, row: ScannedRow, given: number, perPartition: number | null): boolean {
  return table.clustering.length === 0 || row.row === null || (perPartition !== null && given >= perPartition)
}

/** ORDER BY over several partitions: all rows are read, then put in order. */
async function runSorted(plan: Plan, sort: NonNullable<Plan['sort']>, scope: Scope, engine: Engine, paging: Paging): Promise<Page> {
  const { pageSize, remaining, perPartition } = startOf(plan, scope, null, paging)
  // Where nothing is read there is nothing to refuse.
  if (plan.segments.segments(scope).length > 0) refusePages(pageSize)
  const passes = rowFilter(plan.filters, scope)
  const count = new PartitionCount(null)
  const found: ScannedRow[] = []
  for await (const chunk of scanned(plan, scope, engine, null, null)) {
    for (const row of chunk.rows) {
      if (!passes(row)) continue
      count.enter(row)
      if (perPartition === null || count.given++ < perPartition) found.push(row)
    }
  }
  const sorted = found.sort(sort).slice(0, remaining ?? found.length)
  return { rows: sorted.map((row) => plan.selectors.map((selector) => selector.value(row, scope))), pagingState: null }
}

interface OpenGroup {
  first: ScannedRow | null
  running: Running[]
  clustering: readonly Uint8Array[]
  /** Of its last row so far. */
  last: { segment: number; key: Buffer }
}

/** Aggregates: over everything, or over the rows of each group, which follow one another. */
async function runGroups(
  plan: Plan,
  { isWhole, clusteringColumns }: NonNullable<Plan['group']>,
  scope: Scope,
  engine: Engine,
  virtual: VirtualRows | null,
  paging: Paging,
): Promise<Page> {
  if (plan.sort && paging.pageSize !== null && paging.pageSize > 0) refusePages(paging.pageSize)
  // Grouped DISTINCT partitions come in one page, as in Cassandra.
  const isOnePage = isWhole || plan.distinct
  const { from, pageSize, perPartition, ...start } = startOf(
    plan,
    scope,
    virtual,
    isOnePage ? { pageSize: null, pagingState: null } : paging,
  )
  const sort = isWhole ? null : plan.sort
  let remaining = sort ? null : start.remaining
  const passes = rowFilter(plan.filters, scope)
  const count = new PartitionCount(from)
  const rows: Page['rows'] = []
  const firsts: ScannedRow[] = []
  const begin = (): Running[] => plan.selectors.map((selector) => selector.start(scope))
  let group: OpenGroup | null = null
  let seenInPartition = 0
  let isDone = false
  const close = (): void => {
    if (!group) return
    rows.push(group.running.map((each) => each.result()))
    if (group.first) firsts.push(group.first)
    if (remaining !== null) remaining--
    group = null
  }
  for await (const chunk of scanned(plan, scope, engine, virtual, from)) {
    for (const row of chunk.rows) {
      if (!passes(row)) continue
      const isNewPartition = count.enter(row)
      if (isNewPartition) seenInPartition = 0
      if (plan.distinct && seenInPartition++ > 0) continue
      const clustering = (row.row?.clustering ?? []).slice(0, clusteringColumns)
      if (group && !isWhole && (isNewPartition || !isSameClustering(plan.table, group.clustering, clustering))) {
        const { last }: OpenGroup = group
        close()
        if (remaining === 0) return { rows, pagingState: null }
        if (rows.length >= pageSize) {
          if (isDone) return { rows, pagingState: null }
          const inPartition = isNewPartition ? 0 : count.given
          return { rows, pagingState: encodePagingState({ ...last, remaining, inPartition }) }
        }
      }
      if (!group) {
        if (!plan.distinct && perPartition !== null && count.given >= perPartition) continue
        count.given++
        group = { first: row, running: begin(), clustering, last: { segment: chunk.segment, key: row.key } }
      }
      group.last = { segment: chunk.segment, key: row.key }
      isDone = chunk.isLastPartition && isPartitionDone(plan, row, count.given, perPartition)
      for (const each of group.running) each.add(row)
    }
  }
  const open: OpenGroup | null = group
  if (isWhole) group ??= { first: null, running: begin(), clustering: [], last: { segment: 0, key: Buffer.alloc(0) } }
  close()
  // A page whose last group ends with the rows is followed by an empty one, as Cassandra has it.
  if (open && rows.length >= pageSize && remaining !== 0 && !isDone)
    return { rows, pagingState: encodePagingState({ ...open.last, remaining, inPartition: count.given }) }
  if (!sort) return { rows, pagingState: null }
  const order = firsts.map((first, i) => ({ first, row: rows[i] ?? [] })).sort((a, b) => sort(a.first, b.first))
  return { rows: order.slice(0, start.remaining ?? order.length).map(({ row }) => row), pagingState: null }
}

/** Rows that are put in order after they are read cannot come in pages. */
function refusePages(pageSize: number): void {
  if (pageSize === Infinity) return
  throw invalid(
    'Cannot page queries with both ORDER BY and a IN restriction on the partition key; you must either remove the ORDER BY or the IN and sort client side, or disable paging for this query',
  )
}

function isSamePartition(a: readonly Uint8Array[] | null, b: readonly Uint8Array[]): boolean {
  return a === b || (a !== null && a.every((part, i) => Buffer.compare(part, b[i] ?? part) === 0))
}

/** By the order of their types: decimals of different scale may be the same. */
function isSameClustering(table: Table, a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return (
    a.length === b.length && a.every((value, i) => compareValues(table.clustering[i]?.type ?? { is: 'blob' }, value, b[i] ?? value) === 0)
  )
}

/** True when a row lies in the partition of an earlier row's key. */
function continues(key: Buffer, row: ScannedRow): boolean {
  return partitionPart(key).equals(partitionPart(row.key))
}

function partitionPart(key: Buffer): Buffer {
  for (let at = 12; at < key.length; at += 2) {
    at = key.indexOf(0, at)
    if (at < 0) break
    if (key[at + 1] === 0) return key.subarray(0, at + 2)
  }
  return key
}
