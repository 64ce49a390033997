import { tableId, type Field, type FieldType, type TableDef } from '../../core/index.ts'
import type { CqlValue } from '../../cql-client/index.ts'
import { dateOfDays, inShapeForm, jsonOfInt64, textOfDecimal, textOfInstant } from '../../formats/index.ts'
import { MillraceError } from '../../platform/index.ts'

type Read = (value: CqlValue) => unknown

/** Why a value cannot be told; never leaves this module. */
class Unreadable extends Error {}

/**
 * Compiled once for a table: its columns' values, in their order, as the row that its schema describes, in the JSON form that `cql-value.ts`
 * takes. Throws RECORD_INVALID, naming the column, for what the schema does not allow: a null (a column that was added later, another
 * writer), a value of another type, a time beyond the years that four digits write.
 */
export function rowReader(table: TableDef): (values: readonly CqlValue[]) => Record<string, unknown> {
  const columns = table.columns.map((field) => ({ name: field.name, read: columnReader(field) }))
  return (values) => {
    const row: Record<string, unknown> = {}
    for (const [i, { name, read }] of columns.entries()) {
      try {
        const value = read(values[i] ?? null)
        if (value !== undefined) row[name] = value
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error
        const details = { table: tableId(table), column: name }
        throw new MillraceError('RECORD_INVALID', `${tableId(table)}: column ${name} of a row ${error.message}.`, { details })
      }
    }
    return row
  }
}

function columnReader(field: Field): Read {
  const { type, nullable, default: fallback } = field
  const read = readerOf(type)
  const inForm = inShapeForm(field)
  return (stored) => {
    if (stored === null && !nullable && fallback === undefined)
      throw new Unreadable('is null, and the schema does not allow that: make it .nullable() or .optional(), or give it a .default(…)')
    const value = stored === null ? (nullable ? null : fallback) : read(stored)
    return inForm === null ? value : inForm(value)
  }
}

function readerOf(type: FieldType): Read {
  switch (type.is) {
    case 'text':
    case 'uuid':
    case 'enum':
      return (value) => (typeof value === 'string' ? value : misfit(type))
    case 'bool':
      return (value) => (typeof value === 'boolean' ? value : misfit(type))
    case 'int32':
    case 'double':
      return (value) => (typeof value === 'number' ? value : misfit(type))
    case 'int64':
      return (value) => (typeof value === 'bigint' ? jsonOfInt64(value) : misfit(type))
    case 'bytes':
      return (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : misfit(type))
    case 'date':
      return (value) => (typeof value === 'number' ? (dateOfDays(value) ?? beyond()) : misfit(type))
    case 'timestamp':
      return (value) =>
        typeof value === 'bigint' ? (textOfInstant({ ms: Number(value), micros: 0 }, type.unit === 'us' ? 6 : 3) ?? beyond()) : misfit(type)
    case 'decimal':
      return (value) => decimalText(value, type)
    case 'list': {
      const read = readerOf(type.of)
      return (value) => (Array.isArray(value) ? value.map((each: CqlValue) => read(each)) : misfit(type))
    }
    case 'map':
      return mapReader(type, readerOf(type.of))
    case 'struct':
      return () => misfit(type)
  }
}

function decimalText(value: CqlValue, type: Extract<FieldType, { is: 'decimal' }>): string {
  if (typeof value !== 'object' || value === null || !('unscaled' in value)) return misfit(type)
  const { unscaled, scale } = value
  // Another writer may have left zeros out, or written more digits: none is lost.
  return scale > type.scale ? textOfDecimal(unscaled, scale) : textOfDecimal(unscaled * 10n ** BigInt(type.scale - scale), type.scale)
}

function mapReader(type: FieldType, read: Read): Read {
  return (value) => {
    if (!Array.isArray(value)) return misfit(type)
    const entries = value.map((pair: CqlValue): [string, unknown] => {
      const [key, entry]: readonly CqlValue[] = Array.isArray(pair) ? pair : []
      return typeof key === 'string' && entry !== undefined ? [key, read(entry)] : misfit(type)
    })
    return Object.fromEntries(entries)
  }
}

function misfit({ is }: FieldType): never {
  throw new Unreadable(`is no ${is}: the table's column is of another type`)
}

function beyond(): never {
  throw new Unreadable('is a time beyond the years 0 to 9999')
}
