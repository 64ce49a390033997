import type { Term } from './ast.ts'

/** A term as Cassandra names the column of a result that shows it. */
export function formatTerm(term: Term): string {
  switch (term.is) {
    case 'literal':
      return term.kind === 'string' ? `'${term.text}'` : term.kind === 'null' ? 'NULL' : term.text
    case 'bind':
      return '?'
    case 'call':
      return `${term.name}(${term.args.map(formatTerm).join(', ')})`
    case 'list':
      return `[${term.items.map(formatTerm).join(', ')}]`
    case 'set':
      return `{${term.items.map(formatTerm).join(', ')}}`
    case 'tuple':
      return `(${term.items.map(formatTerm).join(', ')})`
    case 'map':
      return `{${term.entries.map(([key, value]) => `${formatTerm(key)}: ${formatTerm(value)}`).join(', ')}}`
    case 'typed':
      return `(${term.type})${formatTerm(term.term)}`
    case 'arithmetic':
      return `${formatTerm(term.left)} ${term.op} ${formatTerm(term.right)}`
    case 'negation':
      return `-${formatTerm(term.of)}`
  }
}
