/** Tables and statements out of a seed: small domains of values, so that statements meet. The same seed makes the same statements. */

export interface Random {
  /** Whole, from 0 to below `n`. */
  below(n: number): number
  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean
  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T
  /** Between `least` and `most` different ones, in their order. */
  some<T>(from: readonly T[], least: number, most: number): T[]
}

/** mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number): number => Math.floor(next() * n)
  const pick = <T>(from: readonly T[]): T => {
    const one = from[below(from.length)]
    if (one === undefined) throw new RangeError('nothing to pick from')
    return one
  }
  return {
    below,
    chance: (percent) => next() * 100 < percent,
    pick,
    some: (from, least, most) => {
      const count = Math.min(from.length, least + below(most - least + 1))
      const places = from.map((_, i) => i)
      while (places.length > count) places.splice(below(places.length), 1)
      return from.filter((_, i) => places.includes(i))
    },
  }
}

const uuidOf = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`
const timeuuidOf = (n: number): string => `${['50554d6e', '00000000', 'ffffffff'][n]}-29bb-11e5-b345-feff819cdc9f`

/** Literals of each scalar type. */
export const literals: Record<string, readonly string[]> = {
  int: ['0', '1', '2', '-1', '7'],
  bigint: ['0', '1', '-1', '9223372036854775807'],
  smallint: ['0', '1', '-5'],
  tinyint: ['0', '1', '-128'],
  varint: ['0', '-1', '300', '-300', '123456789012345678901'],
  text: ["'a'", "'b'", "'ab'", "''", "'ä'"],
  ascii: ["'a'", "'b'", "'B'"],
  boolean: ['true', 'false'],
  uuid: [uuidOf(1), uuidOf(2), '50554d6e-29bb-11e5-b345-feff819cdc9f', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  timeuuid: [timeuuidOf(0), timeuuidOf(1), timeuuidOf(2)],
  timestamp: ['0', '1700000000000', "'1969-12-31'", '-5'],
  date: ["'1970-01-01'", "'2026-02-03'", "'1969-12-31'"],
  time: ["'00:00:00'", "'12:13:14.5'", '77'],
  double: ['0.5', '-1', '2', '1e300', '-0.0', 'NaN'],
  float: ['0.5', '-1', '2', 'Infinity'],
  decimal: ['1.0', '1.00', '-2.5', '0', '1e5'],
  inet: ["'127.0.0.1'", "'::1'", "'10.0.0.1'"],
  blob: ['0x', '0x00', '0xff', '0x00ff'],
  duration: ['1d', '1mo', '2h'],
}

const keyTypes = Object.keys(literals).filter((type) => type !== 'duration')
const smallTypes = ['int', 'text', 'bigint', 'boolean', 'uuid', 'timestamp', 'double', 'decimal', 'varint', 'blob', 'duration', 'date']

export type ColumnRole = 'partition' | 'clustering' | 'static' | 'regular'

export interface GeneratedColumn {
  name: string
  type: string
  role: ColumnRole
  /** Of a list, set or map that is not frozen: what it holds. */
  holds: readonly string[] | null
  descending: boolean
}

export interface GeneratedTable {
  name: string
  columns: GeneratedColumn[]
  create: string
  /** Conditional statements only: they and given times do not go together. */
  isConditional: boolean
}

/** A literal of a type, nested ones included. */
export function literalOf(random: Random, type: string): string {
  const inner = /^(?:frozen<)?(list|set|map|tuple)<(.*?)>+$/.exec(type)
  if (!inner) return random.pick(literals[type] ?? ['null'])
  const parts = (inner[2] ?? '').split(', ')
  const count = random.below(4)
  const each = (): string => literalOf(random, parts[0] ?? 'int')
  if (inner[1] === 'tuple') return `(${parts.map((part) => (random.chance(10) ? 'null' : literalOf(random, part))).join(', ')})`
  if (inner[1] === 'map') {
    // Of a key given twice Cassandra keeps either value.
    const keys = new Set(Array.from({ length: count }, each))
    return `{${[...keys].map((key) => `${key}: ${literalOf(random, parts[1] ?? 'int')}`).join(', ')}}`
  }
  const items = Array.from({ length: count }, each).join(', ')
  return inner[1] === 'list' ? `[${items}]` : `{${items}}`
}

function column(random: Random, name: string, role: ColumnRole): GeneratedColumn {
  if (role === 'partition' || role === 'clustering') {
    return { name, role, type: random.pick(keyTypes), holds: null, descending: role === 'clustering' && random.chance(40) }
  }
  if (random.chance(60)) return { name, role, type: random.pick(smallTypes), holds: null, descending: false }
  const simple = (): string => random.pick(['int', 'text', 'bigint'])
  const kind = random.pick(['list', 'set', 'map', 'frozen', 'tuple'])
  const of = simple()
  const to = simple()
  if (kind === 'tuple') return { name, role, type: `frozen<tuple<${of}, ${to}>>`, holds: null, descending: false }
  if (kind === 'frozen')
    return {
      name,
      role,
      type: random.pick([`frozen<list<${of}>>`, `frozen<set<${of}>>`, `frozen<map<${of}, ${to}>>`]),
      holds: null,
      descending: false,
    }
  if (kind === 'map') return { name, role, type: `map<${of}, ${to}>`, holds: [of, to], descending: false }
  return { name, role, type: `${kind}<${of}>`, holds: [of], descending: false }
}

export function generateTable(random: Random, name: string): GeneratedTable {
  const named = (prefix: string, count: number, role: ColumnRole): GeneratedColumn[] =>
    Array.from({ length: count }, (_, i) => column(random, `${prefix}${i}`, role))
  const clustering = named('c', random.pick([0, 1, 1, 2, 2, 3]), 'clustering')
  const columns = [
    ...named('p', random.chance(30) ? 2 : 1, 'partition'),
    ...clustering,
    ...named('s', clustering.length > 0 ? random.below(3) : 0, 'static'),
    ...named('v', 1 + random.below(4), 'regular'),
  ]
  const partition = columns.filter(({ role }) => role === 'partition').map((each) => each.name)
  const lines = columns.map((each) => `${each.name} ${each.type}${each.role === 'static' ? ' static' : ''}`)
  const key = [`(${partition.join(', ')})`, ...clustering.map((each) => each.name)].join(', ')
  const order = clustering.map((each) => `${each.name} ${each.descending ? 'DESC' : 'ASC'}`).join(', ')
  const create = `CREATE TABLE ${name} (${lines.join(', ')}, PRIMARY KEY (${key}))${order ? ` WITH CLUSTERING ORDER BY (${order})` : ''}`
  return { name, columns, create, isConditional: random.chance(15) }
}
