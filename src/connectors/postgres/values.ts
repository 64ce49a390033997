import { jsonOfInt64 } from '../../formats/index.ts'
import { jsonWithWholeNumbers } from '../json-values.ts'
import { arrayOf, type PgArray } from './array-text.ts'

type ReadText = (text: string) => unknown

const instant = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)(\+00)?$/

/** `2026-01-02 03:04:05.678901+00` as ISO 8601, all digits kept; what ISO 8601 has no form for (infinity, years BC) as it is. */
function isoTime(text: string): string {
  const match = instant.exec(text)
  return match ? `${match[1]}T${match[2]}${match[3] === undefined ? '' : 'Z'}` : text
}

/** NaN and the infinities are no JSON: they stay text, which a number's schema refuses by name. */
function float(text: string): number | string {
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

/** `\x…`, PostgreSQL's hex form, as base64. */
function bytea(text: string): string {
  return Buffer.from(text.slice(2), 'hex').toString('base64')
}

/**
 * Types by their OID (pg_type.dat), in the JSON form that `FieldType` describes. All others, numeric, text, uuid, date, time, interval and enums
 * among them, come as PostgreSQL writes them. A `timestamp` without a time zone stays without one: which it is in only the author knows.
 */
const scalars = new Map<number, ReadText>([
  [16, (text) => text === 't'],
  [17, bytea],
  [20, (text) => jsonOfInt64(BigInt(text))],
  [21, Number],
  [23, Number],
  [26, Number],
  [114, jsonWithWholeNumbers],
  [700, float],
  [701, float],
  [1114, isoTime],
  [1184, isoTime],
  [3802, jsonWithWholeNumbers],
])

/** Of arrays the types of their elements. Of others PostgreSQL's text `{…}` is kept. */
const elements = new Map<number, number>([
  [1000, 16],
  [1001, 17],
  [1016, 20],
  [1005, 21],
  [1007, 23],
  [1028, 26],
  [199, 114],
  [1021, 700],
  [1022, 701],
  [1115, 1114],
  [1185, 1184],
  [3807, 3802],
  // numeric, text, varchar, char(n), uuid, date, time
  ...[1231, 1009, 1015, 1014, 2951, 1182, 1183].map((array): [number, number] => [array, 25]),
])

const asText: ReadText = (text) => text

/** How values of a column come, given the text that PostgreSQL writes with `TimeZone` UTC, `DateStyle` ISO and `bytea_output` hex. */
export function readerOf(oid: number): ReadText {
  const element = elements.get(oid)
  if (element === undefined) return scalars.get(oid) ?? asText
  const read = scalars.get(element) ?? asText
  const each = (entry: PgArray[number]): unknown => (entry === null ? null : typeof entry === 'string' ? read(entry) : entry.map(each))
  return (text) => arrayOf(text).map(each)
}
