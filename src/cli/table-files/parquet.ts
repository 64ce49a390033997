import type { SchemaElement, SchemaTree } from 'hyparquet'
import type { CqlType, CqlValue } from '../../cql-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { jsonOf, valueOfJson } from './json-value.ts'
import { misfit, scalarOf, scalarText } from './scalar-text.ts'
import type { FileColumn, Entry, RowFile } from './row-file.ts'
import { writeAll } from './write-all.ts'

/** Rows of a group: what is held in memory while a file is written or read. */
const groupRows = 10_000

/**
 * How a CQL type stands in Parquet. Lists and sets of scalars are lists; maps, tuples and collections in collections are text, as JSON; decimal,
 * varint, duration and inet are text too: Parquet's decimals have a fixed scale, Cassandra's have not.
 */
interface ParquetColumn {
  elements: SchemaElement[]
  /** To what the writer takes. */
  write: (value: CqlValue) => unknown
}

type Element = Omit<SchemaElement, 'name'>

const utf8: Element = { type: 'BYTE_ARRAY', converted_type: 'UTF8' }
const uuid: Element = { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }
const scalars: Readonly<Record<string, Element>> = {
  text: utf8,
  ascii: utf8,
  uuid,
  timeuuid: uuid,
  int: { type: 'INT32' },
  smallint: { type: 'INT32', converted_type: 'INT_16' },
  tinyint: { type: 'INT32', converted_type: 'INT_8' },
  bigint: { type: 'INT64' },
  counter: { type: 'INT64' },
  float: { type: 'FLOAT' },
  double: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  blob: { type: 'BYTE_ARRAY' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  date: { type: 'INT32', converted_type: 'DATE' },
  time: { type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'NANOS' } },
}

function scalarWriter(type: CqlType): (value: CqlValue) => unknown {
  if (type.is in scalars) return (value) => value
  return (value) => (value === null ? null : scalarText(type, value))
}

function parquetColumn({ name, type }: FileColumn): ParquetColumn {
  const isNested = (of: CqlType): boolean => of.is === 'list' || of.is === 'set' || of.is === 'map' || of.is === 'tuple'
  if ((type.is === 'list' || type.is === 'set') && !isNested(type.of)) {
    const write = scalarWriter(type.of)
    return {
      elements: [
        { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', repetition_type: 'OPTIONAL', ...(scalars[type.of.is] ?? utf8) },
      ],
      write: (value) => (Array.isArray(value) ? value.map(write) : null),
    }
  }
  if (isNested(type)) {
    const write = (value: CqlValue): unknown => (value === null ? null : JSON.stringify(jsonOf(type, value)))
    return { elements: [{ name, repetition_type: 'OPTIONAL', ...utf8 }], write }
  }
  return { elements: [{ name, repetition_type: 'OPTIONAL', ...(scalars[type.is] ?? utf8) }], write: scalarWriter(type) }
}

/** Writes a Parquet file, a group of rows at a time; `end` writes what is left, and the file stays open. */
export async function parquetWriter(fd: number, columns: readonly FileColumn[]): Promise<Omit<RowFile, 'abandon'>> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
  const bytes = new ByteWriter()
  const flush = (): void => {
    writeAll(fd, new Uint8Array(bytes.buffer, 0, bytes.index))
    bytes.index = 0
  }
  const mapped = columns.map(parquetColumn)
  const schema: SchemaElement[] = [{ name: 'root', num_children: columns.length }, ...mapped.flatMap(({ elements }) => elements)]
  const writer = new ParquetWriter({ writer: Object.assign(bytes, { flush, finish: flush }), schema, createdBy: 'millrace' })
  let rows: (readonly CqlValue[])[] = []
  const writeGroup = (): void => {
    if (rows.length === 0) return
    const columnData = mapped.map(({ write }, i) => ({
      name: columns[i]?.name ?? '',
      data: rows.map((row) => write(row[i] ?? null)),
    }))
    void writer.write({ columnData, rowGroupSize: groupRows })
    rows = []
  }
  return {
    write: (more) => {
      rows.push(...more)
      if (rows.length >= groupRows) writeGroup()
    },
    end: () => {
      writeGroup()
      void writer.finish()
    },
  }
}

/** Rows of a Parquet file, a part of a group at a time; `at` counts from 1. */
export async function* readParquet(path: string, columnsOf: (names: readonly string[]) => readonly FileColumn[]): AsyncGenerator<Entry> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet')
  const { compressors } = await import('./parquet-compressors.ts')
  const file = await asyncBufferFromFile(path)
  const told = await parquetMetadataAsync(file).catch((error: unknown) => {
    throw new MillraceError('BAD_REQUEST', `${path} is no Parquet file.`, { cause: error })
  })
  const metadata = { ...told, schema: told.schema.map(withoutDecimal) }
  const { children: nodes } = parquetSchema(metadata)
  const columns = columnsOf(nodes.map(({ element }) => element.name))
  let at = 1
  for (let rowStart = 0; rowStart < Number(metadata.num_rows); rowStart += groupRows) {
    const rowEnd = Math.min(rowStart + groupRows, Number(metadata.num_rows))
    const names = columns.map(({ name }) => name)
    const rows = await parquetReadObjects({
      file,
      metadata,
      rowStart,
      rowEnd,
      columns: names,
      compressors,
      parsers,
      utf8: false,
      geoparquet: false,
    })
    for (const row of rows) {
      yield entryOf(at++, () => columns.map(({ name, type }, i) => valueOf(type, row[name], nodes[i])))
    }
  }
}

export function entryOf(at: number, row: () => CqlValue[]): Entry {
  try {
    return { at, row: row() }
  } catch (error) {
    if (error instanceof MillraceError) return { at, error: error.message }
    throw error
  }
}

/** Times as numbers: a Date has no room for all of Cassandra's. Others' units become milliseconds. */
const parsers = {
  timestampFromMilliseconds: (millis: bigint) => millis,
  timestampFromMicroseconds: (micros: bigint) => micros / 1_000n,
  timestampFromNanoseconds: (nanos: bigint) => nanos / 1_000_000n,
  dateFromDays: (days: number) => days,
}

/** Decimals as they are stored: as numbers they would be rounded, and lose their scale. It stays with the element, and tells one. */
function withoutDecimal(element: SchemaElement): SchemaElement {
  const { converted_type, logical_type, ...plain } = element
  return converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL' ? { ...plain, scale: element.scale ?? 0 } : element
}

/** @param node of the file's schema */
function valueOf(type: CqlType, value: unknown, node: SchemaTree | undefined): CqlValue {
  if (value === null || value === undefined) return null
  const scale = node?.children.length === 0 ? node.element.scale : undefined
  if (scale !== undefined) return scalarOf(type, scalarText({ is: 'decimal' }, { unscaled: unscaledOf(value), scale }))
  if (typeof value === 'string') {
    const isNested = type.is === 'list' || type.is === 'set' || type.is === 'map' || type.is === 'tuple'
    return valueOfJson(type, isNested ? parsed(type, value) : value)
  }
  if (value instanceof Uint8Array) {
    // Some writers leave out that their bytes are text.
    return type.is === 'blob' ? Uint8Array.from(value) : valueOf(type, Buffer.from(value).toString('utf8'), undefined)
  }
  // Of lists and maps the groups `list` and `key_value` stand between (LogicalTypes.md of the format).
  const [item, itemValue] = node?.children[0]?.children ?? []
  if ((type.is === 'list' || type.is === 'set') && typeof value === 'object' && Symbol.iterator in value)
    return Array.from(value as Iterable<unknown>, (each) => valueOf(type.of, each, item))
  if (type.is === 'map' && typeof value === 'object' && !Array.isArray(value))
    return Object.entries(value).map(([key, each]) => [valueOf(type.key, key, undefined), valueOf(type.value, each, itemValue)])
  if (type.is === 'time' && (typeof value === 'bigint' || typeof value === 'number')) return BigInt(value) * nanosOf(node?.element)
  if (typeof value === 'bigint' && ['bigint', 'counter', 'timestamp', 'varint'].includes(type.is)) return value
  if (typeof value === 'number' && type.is === 'date') return value
  return valueOfJson(type, typeof value === 'bigint' ? value.toString() : value)
}

/** Nanoseconds of a unit of a time of day; of others' numbers 1. */
function nanosOf(element: SchemaElement | undefined): bigint {
  const unit = element?.logical_type?.type === 'TIME' ? element.logical_type.unit : element?.converted_type?.replace('TIME_', '')
  return unit === 'MILLIS' ? 1_000_000n : unit === 'MICROS' ? 1_000n : 1n
}

/** An integer, or the bytes of one: two's complement, the highest first. */
function unscaledOf(value: unknown): bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value)
  if (!(value instanceof Uint8Array)) throw misfit('decimal', value)
  return value.length === 0 ? 0n : BigInt.asIntN(8 * value.length, BigInt(`0x${Buffer.from(value).toString('hex')}`))
}

function parsed({ is }: CqlType, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw misfit(is, text)
  }
}
