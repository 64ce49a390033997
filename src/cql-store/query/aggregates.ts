import { decodeValue, encodeValue, formatType, type CqlDecimal, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'
import { addDecimals, divideDecimals } from './numbers.ts'
import { compareValues } from './values.ts'

/** Sees the values of all rows, then gives one. */
export interface Aggregate {
  add(value: Uint8Array | null): void
  result(): Uint8Array | null
}

const names = new Set(['count', 'min', 'max', 'sum', 'avg'])

export function isAggregate(name: string): boolean {
  return names.has(name)
}

/** `countrows` is count(*). @throws CqlRefusal for a type it does not take */
export function aggregateOf(name: string, type: CqlType): { type: CqlType; start: () => Aggregate } {
  switch (name) {
    case 'countrows':
    case 'count':
      return { type: { is: 'bigint' }, start: () => counting(name === 'countrows') }
    case 'min':
    case 'max':
      return { type, start: () => extreme(type, name === 'min' ? -1 : 1) }
    default:
      return { type, start: summing(name, type) }
  }
}

function counting(all: boolean): Aggregate {
  let count = 0n
  return {
    add: (value) => {
      if (all || value !== null) count++
    },
    result: () => encodeValue({ is: 'bigint' }, count),
  }
}

function extreme(type: CqlType, sign: number): Aggregate {
  let best: Uint8Array | null = null
  return {
    add: (value) => {
      if (value !== null && (best === null || compareValues(type, value, best) * sign > 0)) best = value
    },
    result: () => best,
  }
}

const widths = new Map([
  ['tinyint', 8],
  ['smallint', 16],
  ['int', 32],
  ['bigint', 64],
])

function summing(name: string, type: CqlType): () => Aggregate {
  if (type.is === 'float' || type.is === 'double') return () => floating(name, type)
  if (type.is === 'decimal') return () => summingDecimals(name)
  const width = widths.get(type.is)
  if (width === undefined && type.is !== 'varint') {
    throw invalid(`Invalid call to function ${name}, none of its type signatures match (type ${formatType(type)})`)
  }
  return () => {
    let sum = 0n
    let count = 0n
    return {
      add: (bytes) => {
        if (bytes === null) return
        const value: CqlValue = decodeValue(type, bytes)
        sum += typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : 0n
        count++
      },
      result: () => {
        const total = name === 'sum' ? sum : count === 0n ? 0n : sum / count
        const wrapped = width === undefined ? total : BigInt.asIntN(width, total)
        return encodeValue(type, width !== undefined && width < 64 ? Number(wrapped) : wrapped)
      },
    }
  }
}

/** A mean is moved by each value, as Cassandra does it: so it is rounded at each, to the scale of the value or of the mean. */
function summingDecimals(name: string): Aggregate {
  let sum: CqlDecimal = { unscaled: 0n, scale: 0 }
  let mean = sum
  let count = 0n
  return {
    add: (bytes) => {
      const value = bytes === null ? null : decodeValue({ is: 'decimal' }, bytes)
      if (typeof value !== 'object' || value === null || !('unscaled' in value)) return
      count++
      if (name === 'sum') sum = addDecimals(sum, value)
      else {
        const step = addDecimals(value, { ...mean, unscaled: -mean.unscaled })
        mean = addDecimals(mean, divideDecimals(step, { unscaled: count, scale: 0 }, step.scale, 'half-even'))
      }
    },
    result: () => encodeValue({ is: 'decimal' }, name === 'sum' ? sum : mean),
  }
}

function floating(name: string, type: CqlType): Aggregate {
  let sum = 0
  let count = 0
  return {
    add: (bytes) => {
      if (bytes === null) return
      const value = decodeValue(type, bytes)
      sum += typeof value === 'number' ? value : 0
      count++
    },
    result: () => encodeValue(type, name === 'sum' || count === 0 ? sum : sum / count),
  }
}
