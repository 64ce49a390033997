import {
  type AvroField,
  type AvroType,
  describeAvro,
  type EnumType,
  type FixedType,
  type Logical,
  type RecordType,
  shortName,
  type UnionType,
} from './avro-type.ts'

export type IncompatibilityType =
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'NAME_MISMATCH'
  | 'MISSING_UNION_BRANCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'FIXED_SIZE_MISMATCH'

/** One reason why a reader's schema cannot read what was written with a writer's. */
export interface Incompatibility {
  readonly type: IncompatibilityType
  /** JSON pointer into the reader's schema; of a union's missing branch and an unread symbol, into the writer's. */
  readonly path: string
  /** A sentence: what does not fit, and what to write instead. */
  readonly message: string
  /** The name, or what was looked for and what was found. */
  readonly about: string
}

/** How the two are called in messages: `new` reads `old` when a change is checked BACKWARD. */
export interface Roles {
  readonly reader: string
  readonly writer: string
}

/**
 * All reasons, not the first alone, by the rules of schema resolution (Avro specification, "Schema Resolution"); none when the reader's
 * schema reads everything that the writer's writes. Names are compared without their namespaces, and aliases count, as there.
 */
export function incompatibilities(reader: AvroType, writer: AvroType, roles: Roles = { reader: 'new', writer: 'old' }): Incompatibility[] {
  const found: Incompatibility[] = []
  new Comparison(roles, (each) => found.push(each), new Map()).compare(reader, writer, '')
  return found
}

/** What a writer's type is read as without loss, besides itself. */
const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

/** By reader's and writer's type. */
type Verdicts = Map<AvroType, Map<AvroType, boolean>>

class Comparison {
  readonly #roles: Roles
  readonly #tell: (each: Incompatibility) => void
  /** Records in hand or done: one that contains itself, or occurs in many places, is compared and told of once. */
  readonly #seen = new Map<AvroType, Set<AvroType>>()
  readonly #verdicts: Verdicts

  constructor(roles: Roles, tell: (each: Incompatibility) => void, verdicts: Verdicts) {
    this.#roles = roles
    this.#tell = tell
    this.#verdicts = verdicts
  }

  compare(reader: AvroType, writer: AvroType, path: string): void {
    if (writer.is === 'union') return this.#everyBranch(reader, writer, path)
    if (reader.is === 'union') return this.#someBranch(reader, writer, path, path)
    if (reader.is === 'record' && writer.is === 'record') return this.#records(reader, writer, path)
    if (reader.is === 'array' && writer.is === 'array') return this.compare(reader.items, writer.items, `${path}/items`)
    if (reader.is === 'map' && writer.is === 'map') return this.compare(reader.values, writer.values, `${path}/values`)
    if (reader.is === 'enum' && writer.is === 'enum') return this.#enums(reader, writer, path)
    if (reader.is === 'fixed' && writer.is === 'fixed') return this.#fixed(reader, writer, path)
    if (reader.is !== writer.is && !promotions[writer.is]?.includes(reader.is)) return this.#mismatch(reader, writer, path)
    return this.#decimals(reader, writer, path)
  }

  /** Whatever the writer may have written must be readable. */
  #everyBranch(reader: AvroType, writer: UnionType, path: string): void {
    for (const [at, branch] of writer.branches.entries()) {
      if (reader.is !== 'union') this.compare(reader, branch, path)
      else this.#someBranch(reader, branch, path, `${path}/${at}`)
    }
  }

  #someBranch(reader: UnionType, writer: AvroType, path: string, writerPath: string): void {
    if (reader.branches.some((branch) => this.#fits(branch, writer))) return
    // A branch of the same kind and name was meant: what is wrong inside it says more than that no branch fits.
    const meant = reader.branches.findIndex((branch) => branch.is === writer.is && (!('name' in branch) || sameName(branch, writer)))
    const branch = reader.branches[meant]
    if (branch && branch.is !== 'union' && 'name' in branch) return this.compare(branch, writer, `${path}/${meant}`)
    this.#tell({
      type: 'MISSING_UNION_BRANCH',
      path: writerPath,
      about: `reader union lacking writer type: ${writer.is.toUpperCase()}`,
      message: `values of ${describeAvro(writer)}, which the ${this.#roles.writer} schema writes, have no branch in ${describeAvro(reader)} of the ${this.#roles.reader} one: keep that branch`,
    })
  }

  /** Whether a branch reads it all; while that is being found out, what contains itself is taken to fit. */
  #fits(reader: AvroType, writer: AvroType): boolean {
    const verdicts = this.#verdicts.get(reader) ?? new Map<AvroType, boolean>()
    const known = verdicts.get(writer)
    if (known !== undefined) return known
    this.#verdicts.set(reader, verdicts.set(writer, true))
    let fits = true
    new Comparison(this.#roles, () => (fits = false), this.#verdicts).compare(reader, writer, '')
    verdicts.set(writer, fits)
    return fits
  }

  #records(reader: RecordType, writer: RecordType, path: string): void {
    const against = this.#seen.get(reader) ?? new Set()
    if (against.has(writer)) return
    this.#seen.set(reader, against.add(writer))
    this.#names(reader, writer, path)
    for (const [at, field] of reader.fields.entries()) {
      const source = writerField(field, writer)
      if (source) this.compare(field.type, source.type, `${path}/fields/${at}/type`)
      else if (!field.hasDefault) this.#noDefault(field, `${path}/fields/${at}`)
    }
  }

  #noDefault(field: AvroField, path: string): void {
    const { reader, writer } = this.#roles
    this.#tell({
      type: 'READER_FIELD_MISSING_DEFAULT_VALUE',
      path,
      about: field.name,
      message: `field "${field.name}" of the ${reader} schema has no default and is missing in the ${writer} one, so records written with that cannot be read: give it a default, or make it optional`,
    })
  }

  #enums(reader: EnumType, writer: EnumType, path: string): void {
    this.#names(reader, writer, path)
    if (reader.default !== null) return
    const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol))
    if (missing.length === 0) return
    this.#tell({
      type: 'MISSING_ENUM_SYMBOLS',
      path: `${path}/symbols`,
      about: `[${missing.join(', ')}]`,
      message: `enum ${shortName(reader.name)} of the ${this.#roles.reader} schema lacks ${missing.join(', ')}, which the ${this.#roles.writer} one writes: keep them, or give the enum a default`,
    })
  }

  #fixed(reader: FixedType, writer: FixedType, path: string): void {
    this.#names(reader, writer, path)
    if (reader.sizeBytes === writer.sizeBytes) return this.#decimals(reader, writer, path)
    this.#tell({
      type: 'FIXED_SIZE_MISMATCH',
      path: `${path}/size`,
      about: `expected: ${writer.sizeBytes}, found: ${reader.sizeBytes}`,
      message: `fixed ${shortName(reader.name)} has ${reader.sizeBytes} bytes in the ${this.#roles.reader} schema and ${writer.sizeBytes} in the ${this.#roles.writer} one: a size cannot change; add another field`,
    })
  }

  #names(reader: RecordType | EnumType | FixedType, writer: RecordType | EnumType | FixedType, path: string): void {
    if (sameName(reader, writer)) return
    this.#tell({
      type: 'NAME_MISMATCH',
      path: `${path}/name`,
      about: `expected: ${writer.name}`,
      message: `${reader.is} is called ${shortName(reader.name)} in the ${this.#roles.reader} schema and ${shortName(writer.name)} in the ${this.#roles.writer} one: keep the name, or list the other one in "aliases"`,
    })
  }

  #decimals(reader: AvroType, writer: AvroType, path: string): void {
    const [mine, theirs] = [decimalOf(reader), decimalOf(writer)]
    if (!mine || !theirs || (mine.scale === theirs.scale && mine.precision === theirs.precision)) return
    const show = (each: Decimal): string => `decimal(${each.precision},${each.scale})`
    this.#tell({
      type: 'TYPE_MISMATCH',
      path,
      about: `reader type: ${show(mine)} not compatible with writer type: ${show(theirs)}`,
      message: `${show(theirs)} of the ${this.#roles.writer} schema would be read as ${show(mine)}, which are other numbers: precision and scale cannot change; add another field`,
    })
  }

  #mismatch(reader: AvroType, writer: AvroType, path: string): void {
    this.#tell({
      type: 'TYPE_MISMATCH',
      path,
      about: `reader type: ${reader.is.toUpperCase()} not compatible with writer type: ${writer.is.toUpperCase()}`,
      message: `${describeAvro(writer)} of the ${this.#roles.writer} schema cannot be read as ${describeAvro(reader)} of the ${this.#roles.reader} one: keep the type, or add another field`,
    })
  }
}

type Decimal = Extract<Logical, { precision: number }>

function decimalOf(type: AvroType): Decimal | null {
  const logical = 'logical' in type ? type.logical : null
  return logical?.is === 'decimal' ? logical : null
}

function sameName(reader: AvroType, writer: AvroType): boolean {
  if (!('name' in reader) || !('name' in writer)) return false
  return shortName(reader.name) === shortName(writer.name) || reader.aliases.includes(writer.name)
}

function writerField(reader: AvroField, writer: RecordType): AvroField | undefined {
  return writer.fields.find((field) => field.name === reader.name) ?? writer.fields.find((field) => reader.aliases.includes(field.name))
}
