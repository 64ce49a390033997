import { decodeValue, encodeValue, formatType, type CqlDecimal, type CqlType, type CqlValue } from '../../cql-wire/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import { aggregateOf } from './aggregates.ts'
import { isNumeric } from './arithmetic.ts'
import { toJson } from './json.ts'
import { divideDecimals } from './numbers.ts'
import { combined, type Bytes, type Selector } from './selector.ts'
import { collectionOf, elementsOf } from './values.ts'

interface Resolved {
  type: CqlType
  run: (values: Bytes[]) => Bytes
}

/** Functions whose result depends on the type of what they are given; null for any other name. */
export function genericFunction(name: string, args: readonly Selector[]): Selector | null {
  const plainName = name === 'to_json' ? 'tojson' : name
  const resolve = byName.get(plainName)
  if (!resolve) return null
  const [first] = args
  if (!first || args.length !== 1)
    throw invalid(`Invalid number of arguments in call to function system.${plainName}: 1 required but ${args.length} provided`)
  const resolved = resolve(first.type)
  if (!resolved) throw invalid(`Invalid call to function ${plainName}: it does not take a ${formatType(first.type)}`)
  return combined(`system.${plainName}(${first.name})`, resolved.type, args, resolved.run)
}

const whenThere =
  (run: (value: Uint8Array) => Bytes): Resolved['run'] =>
  ([value = null]) =>
    value === null ? null : run(value)

type Resolve = (type: CqlType) => Resolved | null

const byName = new Map<string, Resolve>([
  ['tojson', (type) => ({ type: { is: 'text' }, run: ([value = null]) => Buffer.from(toJson(type, value)) })],
  [
    'map_keys',
    (type) => {
      if (type.is !== 'map') return null
      const result = { is: 'set', of: type.key, frozen: true } as const
      return { type: result, run: whenThere((value) => collectionOf(result, elementsOf(type, value).filter((_, i) => i % 2 === 0))) } // prettier-ignore
    },
  ],
  [
    'map_values',
    (type) => {
      if (type.is !== 'map') return null
      const result = { is: 'list', of: type.value, frozen: true } as const
      return { type: result, run: whenThere((value) => collectionOf(result, elementsOf(type, value).filter((_, i) => i % 2 === 1))) } // prettier-ignore
    },
  ],
  [
    'collection_count',
    (type) => {
      if (type.is !== 'list' && type.is !== 'set' && type.is !== 'map') return null
      const width = type.is === 'map' ? 2 : 1
      return { type: { is: 'int' }, run: whenThere((value) => encodeValue({ is: 'int' }, elementsOf(type, value).length / width)) }
    },
  ],
  ...['min', 'max', 'sum', 'avg'].map((name): [string, Resolve] => [`collection_${name}`, (type) => ofElements(name, type)]),
  [
    'abs',
    numberFunction(
      Math.abs,
      (n) => (n < 0n ? -n : n),
      ({ unscaled, scale }) => ({ unscaled: unscaled < 0n ? -unscaled : unscaled, scale }),
    ),
  ],
  ['exp', transcendental('exp', Math.exp)],
  ['log', transcendental('log', Math.log)],
  ['log10', transcendental('log10', Math.log10)],
  [
    'round',
    numberFunction(
      Math.round,
      (n) => n,
      (n) => divideDecimals(n, { unscaled: 1n, scale: 0 }, 0, 'half-up'),
    ),
  ],
])

function ofElements(name: string, type: CqlType): Resolved | null {
  if (type.is !== 'list' && type.is !== 'set') return null
  if ((name === 'sum' || name === 'avg') && !isNumeric(type.of)) return null
  const { type: result, start } = aggregateOf(name, type.of)
  return {
    type: result,
    run: whenThere((value) => {
      const aggregate = start()
      for (const element of elementsOf(type, value)) aggregate.add(element)
      return aggregate.result()
    }),
  }
}

const widths = new Map<string, number>([['tinyint', 32], ['smallint', 32], ['int', 32], ['bigint', 64]]) // prettier-ignore

/** Of whole numbers without what is behind the point, as Java cuts a double to their width. */
function transcendental(name: string, run: (value: number) => number): Resolve {
  const onDouble = numberFunction(run, null)
  return (type) => {
    if (type.is === 'decimal' || type.is === 'varint') throw unsupported(`${name} of a ${type.is}`)
    const width = widths.get(type.is)
    if (width === undefined) return onDouble(type)
    return {
      type,
      run: whenThere((value) => {
        const cut = cutTo(width, run(Number(decodeValue(type, value))))
        return encodeValue(
          type,
          type.is === 'bigint' ? cut : Number(BigInt.asIntN(type.is === 'int' ? 32 : type.is === 'smallint' ? 16 : 8, cut)),
        )
      }),
    }
  }
}

function cutTo(width: number, value: number): bigint {
  const most = 2n ** BigInt(width - 1)
  if (Number.isNaN(value)) return 0n
  if (value >= Number(most)) return most - 1n
  return value <= -Number(most) ? -most : BigInt(Math.trunc(value))
}

/** Of numbers that fit a double, and, where they are given, of whole ones of any size and of decimals. */
function numberFunction(
  onDouble: (value: number) => number,
  onWhole: ((value: bigint) => bigint) | null,
  onDecimal: ((value: CqlDecimal) => CqlDecimal) | null = null,
): Resolve {
  return (type) => {
    const isWhole = type.is !== 'float' && type.is !== 'double' && type.is !== 'decimal'
    if (!isNumeric(type) || (type.is === 'decimal' && !onDecimal) || (isWhole && !onWhole)) return null
    const compute = (value: CqlValue): CqlValue => {
      if (typeof value === 'bigint') return onWhole ? onWhole(value) : value
      if (typeof value === 'object' && value !== null && 'unscaled' in value) return onDecimal ? onDecimal(value) : value
      return typeof value === 'number' ? onDouble(value) : null
    }
    return { type, run: whenThere((value) => encodeValue(type, compute(decodeValue(type, value)))) }
  }
}
