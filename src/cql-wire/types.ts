/** The scalar types. `varchar` is text. */
export type ScalarName =
  | 'ascii' | 'text' | 'int' | 'bigint' | 'smallint' | 'tinyint' | 'varint' | 'float' | 'double' | 'decimal' | 'boolean' | 'uuid'
  | 'timeuuid' | 'timestamp' | 'date' | 'time' | 'duration' | 'inet' | 'blob' | 'counter' // prettier-ignore

export type CqlType =
  | { is: ScalarName }
  | { is: 'list' | 'set'; of: CqlType; frozen?: boolean }
  | { is: 'map'; key: CqlType; value: CqlType; frozen?: boolean }
  | { is: 'tuple'; of: CqlType[] }
  | { is: 'udt'; keyspace: string; name: string; fields: { name: string; type: CqlType }[]; frozen?: boolean }
  | { is: 'custom'; className: string }

const marshal = 'org.apache.cassandra.db.marshal.'

/** What each scalar is on the wire: option id (spec v4 §4.2.5.2), the version that brought it, its class name for older ones. */
const scalars: Record<ScalarName, { id: number; since: number; className: string }> = {
  ascii: { id: 0x01, since: 3, className: marshal + 'AsciiType' },
  bigint: { id: 0x02, since: 3, className: marshal + 'LongType' },
  blob: { id: 0x03, since: 3, className: marshal + 'BytesType' },
  boolean: { id: 0x04, since: 3, className: marshal + 'BooleanType' },
  counter: { id: 0x05, since: 3, className: marshal + 'CounterColumnType' },
  decimal: { id: 0x06, since: 3, className: marshal + 'DecimalType' },
  double: { id: 0x07, since: 3, className: marshal + 'DoubleType' },
  float: { id: 0x08, since: 3, className: marshal + 'FloatType' },
  int: { id: 0x09, since: 3, className: marshal + 'Int32Type' },
  timestamp: { id: 0x0b, since: 3, className: marshal + 'TimestampType' },
  uuid: { id: 0x0c, since: 3, className: marshal + 'UUIDType' },
  text: { id: 0x0d, since: 3, className: marshal + 'UTF8Type' },
  varint: { id: 0x0e, since: 3, className: marshal + 'IntegerType' },
  timeuuid: { id: 0x0f, since: 3, className: marshal + 'TimeUUIDType' },
  inet: { id: 0x10, since: 3, className: marshal + 'InetAddressType' },
  date: { id: 0x11, since: 4, className: marshal + 'SimpleDateType' },
  time: { id: 0x12, since: 4, className: marshal + 'TimeType' },
  smallint: { id: 0x13, since: 4, className: marshal + 'ShortType' },
  tinyint: { id: 0x14, since: 4, className: marshal + 'ByteType' },
  duration: { id: 0x15, since: 5, className: marshal + 'DurationType' },
}

const scalarNames = Object.keys(scalars).filter((name): name is ScalarName => name in scalars)
const byId = new Map(scalarNames.map((name) => [scalars[name].id, name]))
const byClass = new Map(scalarNames.map((name) => [scalars[name].className, name]))

/** Option id of a scalar in `version`, or null where that version has only its class name. */
export function scalarId(name: ScalarName, version: number): number | null {
  return version >= scalars[name].since ? scalars[name].id : null
}

export function scalarClassName(name: ScalarName): string {
  return scalars[name].className
}

export function scalarById(id: number): ScalarName | null {
  return byId.get(id) ?? null
}

export function scalarByClassName(className: string): ScalarName | null {
  return byClass.get(className) ?? null
}

/** The type as `system_schema.columns` and CQL write it: `map<text, int>`, `frozen<list<uuid>>`; a custom type as its quoted class name. */
export function formatType(type: CqlType): string {
  switch (type.is) {
    case 'list':
    case 'set':
      return frozen(type.frozen, `${type.is}<${formatType(type.of)}>`)
    case 'map':
      return frozen(type.frozen, `map<${formatType(type.key)}, ${formatType(type.value)}>`)
    case 'tuple':
      return `frozen<tuple<${type.of.map(formatType).join(', ')}>>`
    case 'udt':
      return frozen(type.frozen, quoteIdentifier(type.name))
    case 'custom':
      return `'${type.className}'`
    default:
      return type.is
  }
}

function frozen(isFrozen: boolean | undefined, inner: string): string {
  return isFrozen ? `frozen<${inner}>` : inner
}

/** An identifier as CQL needs it: bare when lower case and plain, else in double quotes. Reserved words are quoted by `alwaysQuote`. */
export function quoteIdentifier(name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) ? name : alwaysQuote(name)
}

export function alwaysQuote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Reads a type as CQL writes it (`text`, `frozen<map<text, int>>`, `tuple<int, text>`, `'a.Class'`); null when it is none.
 * A name that is no built-in type is asked of `udt`; without it, it is none.
 */
export function parseType(text: string, udt: (name: string) => CqlType | null = () => null): CqlType | null {
  const tokens = text.match(/'[^']*'|"(?:[^"]|"")*"|[A-Za-z0-9_.]+|[<>,]|\S/g) ?? []
  let at = 0
  const list = (depth: number): CqlType[] | null => {
    if (tokens[at++] !== '<') return null
    const types: CqlType[] = []
    for (;;) {
      const type = one(depth + 1)
      if (!type) return null
      types.push(type)
      const token = tokens[at++]
      if (token === '>') return types
      if (token !== ',') return null
    }
  }
  const one = (depth: number): CqlType | null => {
    const token = tokens[at++]
    if (token === undefined || depth > 32) return null
    if (token.startsWith("'")) return { is: 'custom', className: token.slice(1, -1) }
    const name = token.startsWith('"') ? token : token.toLowerCase()
    if (name === 'varchar') return { is: 'text' }
    if (isScalarName(name)) return { is: name }
    if (tokens[at] === '<') {
      const inner = list(depth)
      return inner && composite(name, inner)
    }
    return udt(name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name)
  }
  const type = one(0)
  return at === tokens.length ? type : null
}

function composite(name: string, inner: CqlType[]): CqlType | null {
  const [first, second] = inner
  if (!first) return null
  if (name === 'tuple') return { is: 'tuple', of: inner }
  if (name === 'map') return second && inner.length === 2 ? { is: 'map', key: first, value: second } : null
  if (inner.length !== 1) return null
  if (name === 'list' || name === 'set') return { is: name, of: first }
  if (name !== 'frozen') return null
  return first.is === 'list' || first.is === 'set' || first.is === 'map' || first.is === 'udt' ? { ...first, frozen: true } : first
}

function isScalarName(name: string): name is ScalarName {
  return Object.hasOwn(scalars, name)
}
