import fc from 'fast-check'
import type { Field, FieldType } from '../../core/index.ts'

/** A type and values of it in their JSON form, as a reader gives them back. */
interface Typed {
  type: FieldType
  value: fc.Arbitrary<unknown>
}

const iso = (digits: 3 | 6): fc.Arbitrary<string> =>
  fc
    .record({ ms: fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), micros: fc.integer({ min: 0, max: 999 }) })
    .map(({ ms, micros }) => new Date(ms).toISOString().replace('Z', digits === 6 ? `${String(micros).padStart(3, '0')}Z` : 'Z'))

const text = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed())

const leaves: readonly Typed[] = [
  { type: { is: 'text' }, value: text },
  { type: { is: 'uuid' }, value: fc.uuid() },
  { type: { is: 'bool' }, value: fc.boolean() },
  { type: { is: 'int32' }, value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
  {
    type: { is: 'int64' },
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : String(n))),
  },
  { type: { is: 'double' }, value: fc.double({ noNaN: true }) },
  { type: { is: 'bytes' }, value: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')) },
  {
    type: { is: 'date' },
    value: fc.integer({ min: -719_528, max: 2_932_896 }).map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10)),
  },
  { type: { is: 'timestamp', unit: 'ms' }, value: iso(3) },
  { type: { is: 'timestamp', unit: 'us' }, value: iso(6) },
  {
    type: { is: 'decimal', precision: 30, scale: 2 },
    value: fc.bigInt({ min: -(10n ** 30n) + 1n, max: 10n ** 30n - 1n }).map((n) => {
      const digits = String(n < 0n ? -n : n).padStart(3, '0')
      return `${n < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
    }),
  },
  { type: { is: 'enum', symbols: ['A', 'B', 'C'] }, value: fc.constantFrom('A', 'B', 'C') },
  { type: { is: 'enum', symbols: ['not a name', ''] }, value: fc.constantFrom('not a name', '') },
]

/** Fields of every type, nested, and values for all of them. */
export const fieldsAndValue: fc.Arbitrary<{ fields: Field[]; value: Record<string, unknown> }> = fc
  .letrec<{ typed: Typed; record: Typed[] }>((tie) => ({
    typed: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom(...leaves),
      tie('typed').map(({ type, value }): Typed => ({ type: { is: 'list', of: type }, value: fc.array(value, { maxLength: 4 }) })),
      tie('typed').map(({ type, value }): Typed => ({ type: { is: 'map', of: type }, value: fc.dictionary(text, value, { maxKeys: 4 }) })),
      tie('record').map((inner): Typed => ({ type: { is: 'struct', name: 'S', fields: fieldsOf(inner) }, value: valueOf(inner) })),
    ),
    record: fc.array(tie('typed'), { minLength: 1, maxLength: 5 }),
  }))
  .record.chain((typed) => valueOf(typed).map((value) => ({ fields: fieldsOf(typed), value })))

/** Every second field may be null. */
function fieldsOf(typed: readonly Typed[]): Field[] {
  return typed.map(({ type }, i) => ({ name: `f${i}`, type, nullable: i % 2 === 1 }))
}

function valueOf(typed: readonly Typed[]): fc.Arbitrary<Record<string, unknown>> {
  const values = typed.map(({ value }, i) => (i % 2 === 1 ? fc.option(value) : value))
  return fc.tuple(...values).map((all) => Object.fromEntries(all.map((value, i) => [`f${i}`, value])))
}
