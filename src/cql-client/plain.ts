import type { types } from 'cassandra-driver'

/**
 * A driver's value as plain JSON: uuids, inets, timestamps (ISO 8601), dates, times, durations, bigints, counters, varints and decimals as
 * strings, blobs as `0x…`, maps as objects where all keys are text, else as pairs; NaN and the infinities as strings.
 */
export function plainValue(value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'bigint':
      return value.toString()
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'object':
      return plainObject(value)
    default:
      return value
  }
}

function plainObject(value: object): unknown {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (Array.isArray(value)) return value.map(plainValue)
  if (value instanceof Set) return [...value].map(plainValue)
  if (value instanceof Map) return plainMap([...value])
  if (isTuple(value)) return value.elements.map(plainValue)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainValue(item)]))
  // Long, Integer, BigDecimal, Uuid, TimeUuid, InetAddress, LocalDate, LocalTime, Duration: all write themselves as CQL does.
  // oxlint-disable-next-line typescript/no-base-to-string
  return String(value)
}

function plainMap(entries: [unknown, unknown][]): unknown {
  const pairs = entries.map(([key, item]) => [plainValue(key), plainValue(item)] as const)
  return pairs.every(([key]) => typeof key === 'string') ? Object.fromEntries(pairs.map(([key, item]) => [String(key), item])) : pairs
}

function isTuple(value: object): value is types.Tuple {
  return value.constructor.name === 'Tuple' && 'elements' in value && Array.isArray(value.elements)
}
