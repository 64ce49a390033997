import * as fc from 'fast-check'
import type { CqlType, CqlValue, ScalarName } from './index.ts'

const uuid = fc.uuid().map((text) => text.toLowerCase())
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const int = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })

const scalarValues: Record<ScalarName, fc.Arbitrary<CqlValue>> = {
  ascii: fc.string({ unit: 'binary-ascii' }),
  text: fc.string({ unit: 'binary' }),
  int,
  bigint: long,
  smallint: fc.integer({ min: -0x8000, max: 0x7fff }),
  tinyint: fc.integer({ min: -0x80, max: 0x7f }),
  varint: fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  float: fc.float(),
  double: fc.double(),
  decimal: fc.record({ unscaled: fc.bigInt(), scale: int }),
  boolean: fc.boolean(),
  uuid,
  timeuuid: fc.uuid({ version: 1 }),
  timestamp: long,
  date: int,
  time: fc.bigInt({ min: 0n, max: 86_399_999_999_999n }),
  duration: fc
    .record({ months: fc.nat(), days: fc.nat(), nanos: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), sign: fc.boolean() })
    .map(({ months, days, nanos, sign }) => (sign ? { months, days, nanos } : { months: 0 - months, days: 0 - days, nanos: -nanos })),
  inet: fc.oneof(fc.ipV4(), fc.constantFrom('::', '::1', '2001:db8::1', 'fe80::1:2:3', '1:0:2:0:3:0:4:0', '1::8')),
  blob: fc.uint8Array(),
  counter: long,
}

export const scalarTypes = Object.keys(scalarValues).filter((name): name is ScalarName => name in scalarValues)

const scalar: fc.Arbitrary<CqlType> = fc.constantFrom(...scalarTypes).map((is) => ({ is }))

/** Types as they come over the wire (where nothing tells frozen ones from others), nested a little. */
export const anyType: fc.Arbitrary<CqlType> = fc.letrec<{ type: CqlType }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.record({ is: fc.constantFrom('list' as const, 'set' as const), of: tie('type') }),
    fc.record({ is: fc.constant('map' as const), key: tie('type'), value: tie('type') }),
    fc.record({ is: fc.constant('tuple' as const), of: fc.array(tie('type'), { minLength: 1, maxLength: 3 }) }),
    fc.record({
      is: fc.constant('udt' as const),
      keyspace: fc.string(),
      name: fc.string(),
      fields: fc.array(fc.record({ name: fc.string(), type: tie('type') }), { maxLength: 3 }),
    }),
    fc.string().map((tail): CqlType => ({ is: 'custom', className: `x.${tail}` })),
  ),
})).type

export function valueOf(type: CqlType): fc.Arbitrary<CqlValue> {
  switch (type.is) {
    case 'list':
    case 'set':
      return fc.array(valueOf(type.of), { maxLength: 4 })
    case 'map':
      return fc.array(fc.tuple(valueOf(type.key), valueOf(type.value)), { maxLength: 4 })
    case 'tuple':
      return fc.tuple(...type.of.map((each) => fc.option(valueOf(each))))
    case 'udt':
      return fc.tuple(...type.fields.map((field) => fc.option(valueOf(field.type))))
    case 'custom':
      return fc.uint8Array()
    default:
      return scalarValues[type.is]
  }
}
