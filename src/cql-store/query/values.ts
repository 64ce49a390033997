import { isUtf8 } from 'node:buffer'
import { checkValue, formatType, type CqlType } from '../../cql-wire/index.ts'
import { encodeOrdered, isCellLive, orderingOf, type Cell } from '../storage/index.ts'

const fixedLengths = new Map<string, number>(
  Object.entries({
    int: 4,
    bigint: 8,
    counter: 8,
    smallint: 2,
    tinyint: 1,
    float: 4,
    double: 8,
    boolean: 1,
    uuid: 16,
    timeuuid: 16,
    timestamp: 8,
    date: 4,
    time: 8,
  }),
)

/** Says what is wrong with bytes received for a type, or null. Made once for a statement, called for every row. */
export function validatorOf(type: CqlType): (bytes: Uint8Array) => string | null {
  const fixed = fixedLengths.get(type.is)
  if (type.is === 'timeuuid') {
    return (bytes) => {
      if (bytes.length !== 16 && bytes.length !== 0) return `UUIDs must be exactly 16 bytes`
      return bytes.length === 16 && (bytes[6] ?? 0) >>> 4 !== 1 ? 'Invalid version for TimeUUID type.' : null
    }
  }
  if (fixed !== undefined) {
    return (bytes) => (bytes.length === fixed || bytes.length === 0 ? null : `Expected ${fixed} or 0 byte ${type.is} (${bytes.length})`)
  }
  switch (type.is) {
    case 'text':
      return (bytes) => (isUtf8(bytes) ? null : "String didn't validate.")
    case 'ascii':
      return (bytes) => (bytes.every((byte) => byte < 0x80) ? null : 'Invalid byte for ascii')
    case 'blob':
    case 'custom':
      return () => null
    default:
      return (bytes) => {
        const checked = checkValue(type, bytes)
        return checked.ok ? null : checked.reason
      }
  }
}

/** Order of two values of a type, as clustering columns and filters have it. */
export function compareValues(type: CqlType, a: Uint8Array, b: Uint8Array): number {
  if (type.is === 'list' || type.is === 'set' || type.is === 'map') return compareCollections(type, a, b)
  if (type.is === 'tuple') return compareTuples(type.of, a, b)
  const ordering = orderingOf(type.is)
  if (ordering === 'bytes' || a.length === 0 || b.length === 0) return Buffer.compare(a, b)
  return Buffer.compare(encodeOrdered(ordering, a), encodeOrdered(ordering, b))
}

/** Element by element (of a map: key, then value), then the shorter first. */
function compareCollections(type: Extract<CqlType, { is: 'list' | 'set' | 'map' }>, a: Uint8Array, b: Uint8Array): number {
  if (a.length === 0 || b.length === 0) return a.length - b.length
  const [left, right] = [elementsOf(type, a), elementsOf(type, b)]
  const types = type.is === 'map' ? [type.key, type.value] : [type.of]
  for (const [i, element] of left.entries()) {
    const other = right[i]
    const of = types[i % types.length]
    if (!other || !of) break
    const order = compareValues(of, element, other)
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** Field by field; one that is null or left out comes first. */
function compareTuples(types: readonly CqlType[], a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [fieldsOf(a), fieldsOf(b)]
  for (const [i, type] of types.entries()) {
    const [x, y] = [left[i] ?? null, right[i] ?? null]
    const order = x && y ? compareValues(type, x, y) : Number(x !== null) - Number(y !== null)
    if (order !== 0) return order
  }
  return 0
}

/** The fields of a tuple; null where one is. */
export function fieldsOf(bytes: Uint8Array): (Uint8Array | null)[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: (Uint8Array | null)[] = []
  for (let at = 0; at + 4 <= view.length;) {
    const length = view.readInt32BE(at)
    fields.push(length < 0 ? null : bytes.subarray(at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  return fields
}

/** The elements of a list, set or map value, in order: single for list and set, key and value for map. */
export function elementsOf(type: CqlType, bytes: Uint8Array): Uint8Array[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.readInt32BE(0) * (type.is === 'map' ? 2 : 1)
  const elements: Uint8Array[] = []
  let at = 4
  for (let i = 0; i < count; i++) {
    const length = view.readInt32BE(at)
    elements.push(bytes.subarray(at + 4, at + 4 + Math.max(0, length)))
    at += 4 + Math.max(0, length)
  }
  return elements
}

/** A list, set or map value out of its elements (see {@link elementsOf}). */
export function collectionOf(type: CqlType, elements: readonly Uint8Array[]): Uint8Array {
  const out = Buffer.alloc(elements.reduce((sum, element) => sum + 4 + element.length, 4))
  out.writeInt32BE(type.is === 'map' ? elements.length / 2 : elements.length, 0)
  let at = 4
  for (const element of elements) {
    out.writeInt32BE(element.length, at)
    out.set(element, at + 4)
    at += 4 + element.length
  }
  return out
}

/** A list that may hold nulls, as functions make them. */
export function nullableCollectionOf(elements: readonly (Uint8Array | null)[]): Uint8Array {
  const parts = elements.map((element) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(element ? element.length : -1)
    return Buffer.concat(element ? [length, element] : [length])
  })
  const count = Buffer.alloc(4)
  count.writeInt32BE(elements.length)
  return Buffer.concat([count, ...parts])
}

/** The value of a collection stored element by element, or null when none is live: an empty collection does not exist in CQL. */
export function assembleCollection(type: CqlType, cells: readonly Cell[], nowSeconds: number): Uint8Array | null {
  const live = cells.filter((cell) => cell.path !== null && isCellLive(cell, nowSeconds))
  if (live.length === 0) return null
  const keyType = type.is === 'set' ? type.of : type.is === 'map' ? type.key : null
  if (keyType) live.sort((a, b) => compareValues(keyType, a.path ?? a.value, b.path ?? b.value))
  const none = new Uint8Array(0)
  if (type.is === 'set')
    return collectionOf(
      type,
      live.map((cell) => cell.path ?? none),
    )
  if (type.is === 'map')
    return collectionOf(
      type,
      live.flatMap((cell) => [cell.path ?? none, cell.value]),
    )
  return collectionOf(
    type,
    live.map((cell) => cell.value),
  )
}

/** Elements of a set and keys of a map, sorted and without duplicates, as Cassandra keeps frozen ones; the last value of a key wins (in Cassandra: any). */
export function normalized(type: CqlType, bytes: Uint8Array): Uint8Array {
  if (type.is !== 'set' && type.is !== 'map') return bytes
  const elements = elementsOf(type, bytes)
  const width = type.is === 'map' ? 2 : 1
  const keyType = type.is === 'map' ? type.key : type.of
  const byKey = new Map<string, Uint8Array[]>()
  for (let i = 0; i < elements.length; i += width) {
    const entry = elements.slice(i, i + width)
    byKey.set(Buffer.from(entry[0] ?? new Uint8Array(0)).toString('latin1'), entry)
  }
  const none = new Uint8Array(0)
  const sorted = [...byKey.values()].sort((a, b) => compareValues(keyType, a[0] ?? none, b[0] ?? none))
  return collectionOf(type, sorted.flat())
}

export function sameType(a: CqlType, b: CqlType): boolean {
  return formatType(a).replaceAll(/frozen<|>/g, '') === formatType(b).replaceAll(/frozen<|>/g, '')
}
