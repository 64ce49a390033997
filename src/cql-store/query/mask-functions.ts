import { createHash, getHashes } from 'node:crypto'
import { encodeValue, formatType, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'
import type { Bytes } from './selector.ts'
import { collectionOf } from './values.ts'

/** Functions that hide a value or parts of it, as Cassandra 5 has them. */
export interface MaskFunction {
  /** Types of the arguments behind the first, for one of this type; those beyond `needed` may be left out. */
  rest: (of: CqlType) => readonly CqlType[]
  needed: number
  result: (of: CqlType) => CqlType
  run: (of: CqlType, values: readonly Bytes[]) => Bytes
}

const text: CqlType = { is: 'text' }
const int: CqlType = { is: 'int' }
const same = (of: CqlType): CqlType => of

function partial(hides: (place: number, length: number, begin: number, end: number) => boolean): MaskFunction {
  return {
    rest: (of) => {
      if (of.is !== 'text' && of.is !== 'ascii') throw invalid(`Partial masking is for text, not for ${formatType(of)}`)
      return [int, int, text]
    },
    needed: 2,
    result: same,
    run: (_of, [value = null, begin = null, end = null, padding = null]) => {
      const pad = padding ? Buffer.from(padding).toString('utf8') : '*'
      if (pad.length !== 1) throw invalid(`The padding argument should be single-character, but '${pad}' has ${pad.length} characters.`)
      if (!value) return null
      const [first, last] = [countOf(begin), countOf(end)]
      const written = Buffer.from(value).toString('utf8')
      return Buffer.from(
        Array.from({ length: written.length }, (_, i) => (hides(i, written.length, first, last) ? pad : written.charAt(i))).join(''),
      )
    },
  }
}

function countOf(value: Bytes): number {
  return value ? Math.max(0, Buffer.from(value).readInt32BE(0)) : 0
}

const functions = new Map<string, MaskFunction>([
  ['mask_null', { rest: () => [], needed: 0, result: same, run: () => null }],
  ['mask_default', { rest: () => [], needed: 0, result: same, run: (of) => defaultOf(of) }],
  ['mask_replace', { rest: (of) => [of], needed: 1, result: same, run: (_of, [, replacement = null]) => replacement }],
  ['mask_inner', partial((place, length, begin, end) => place >= begin && place < length - end)],
  ['mask_outer', partial((place, length, begin, end) => place < begin || place >= length - end)],
  [
    'mask_hash',
    {
      rest: () => [text],
      needed: 0,
      result: () => ({ is: 'blob' }),
      run: (_of, [value = null, algorithm = null]) => (value ? createHash(hashName(algorithm)).update(value).digest() : null),
    },
  ],
])

export function maskFunction(name: string): MaskFunction | null {
  return functions.get(name) ?? null
}

/** Java's names of digests (`SHA-256`, `MD5`) as OpenSSL has them. */
function hashName(algorithm: Bytes): string {
  const asked = algorithm ? Buffer.from(algorithm).toString('utf8') : 'SHA-256'
  const name = asked.toLowerCase().replace('-', '')
  if (!getHashes().includes(name)) throw invalid(`Hash algorithm not found: ${asked}`)
  return name
}

const zeroUuid = '00000000-0000-0000-0000-000000000000'
/** The first of 1970, with the least of the rest. */
const zeroTimeuuid = '13814000-1dd2-11b2-8080-808080808080'

function defaultOf(type: CqlType): Bytes {
  if (type.is === 'list' || type.is === 'set' || type.is === 'map') return collectionOf(type, [])
  if (type.is === 'tuple') {
    const fields = type.of.map((of) => defaultOf(of) ?? new Uint8Array(0))
    return Buffer.concat(fields.flatMap((field) => [encodeValue(int, field.length), field]))
  }
  return encodeValue(type, defaultValue(type))
}

function defaultValue({ is }: CqlType): CqlValue {
  switch (is) {
    case 'text':
    case 'ascii':
      return '****'
    case 'bigint':
    case 'varint':
    case 'time':
    case 'timestamp':
      return 0n
    case 'decimal':
      return { unscaled: 0n, scale: 0 }
    case 'boolean':
      return false
    case 'uuid':
      return zeroUuid
    case 'timeuuid':
      return zeroTimeuuid
    case 'inet':
      return '0.0.0.0'
    case 'blob':
      return new Uint8Array(0)
    case 'duration':
      return { months: 0, days: 0, nanos: 0n }
    default:
      return 0
  }
}
