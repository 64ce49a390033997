const numbers: ReadonlySet<string> = new Set(['int', 'bigint', 'smallint', 'tinyint', 'varint', 'decimal', 'boolean'])
const quoted: ReadonlySet<string> = new Set(['text', 'ascii', 'inet', 'date', 'uuid', 'timeuuid', 'blob'])

/** A literal of CQL as JSON has it; null for what both write too differently. */
export function jsonOfLiteral(type: string, literal: string): string | null {
  if (literal === 'null') return literal
  if (numbers.has(type)) return literal
  if (quoted.has(type)) return JSON.stringify(literal.replace(/^'(.*)'$/, '$1'))
  const [, kind, of = ''] = /^(?:frozen<)?(list|set)<(\w+)>+$/.exec(type) ?? []
  if (kind === undefined) return null
  const inner = literal.slice(1, -1)
  const items = inner === '' ? [] : inner.split(', ').map((item) => jsonOfLiteral(of, item))
  return items.includes(null) ? null : `[${items.join(', ')}]`
}
