import { compositeKey, formatType, murmur3Token, parseType, UNSET, type CqlType } from '../../cql-wire/index.ts'
import { formatTerm, type SelectedColumn, type Selection } from '../lang/index.ts'
import { invalid, unsupported } from '../refusal.ts'
import type { Table } from '../schema/index.ts'
import { aggregateOf, isAggregate } from './aggregates.ts'
import { arithmetic, isNumeric } from './arithmetic.ts'
import { castTo } from './cast.ts'
import { cellTimes } from './cell-times.ts'
import { elementOf, sliceOf } from './elements.ts'
import { genericFunction } from './generic-functions.ts'
import { maskFunction, type MaskFunction } from './mask-functions.ts'
import { checkName } from './scope.ts'
import { aggregating, combined, plain, type Bytes, type Selector } from './selector.ts'
import { valueOf } from './table-row.ts'
import { compileTerm, naturalType, resolveFunction, type TermContext } from './terms.ts'
import { columnNamed } from './where.ts'

export function compileSelectors(table: Table, columns: readonly SelectedColumn[] | null, context: TermContext): Selector[] {
  if (!columns) return table.selectOrder.map((column) => columnSelector(table, column.name))
  return columns.map(({ selection, alias }) => {
    const selector = compileSelection(table, selection, context)
    checkName(alias ?? selector.name)
    return alias === null ? selector : { ...selector, name: alias }
  })
}

function columnSelector(table: Table, name: string): Selector {
  const column = columnNamed(table, name)
  return { ...plain(name, column.type, (row, { nowSeconds }) => valueOf(column, row, nowSeconds)), column }
}

/** Where nothing else says it, `expected` is the type of a literal: that of the other side, say. */
function compileSelection(table: Table, selection: Selection, context: TermContext, expected: CqlType | null = null): Selector {
  const inner = (of: Selection): Selector => compileSelection(table, of, context)
  switch (selection.is) {
    case 'column':
      return columnSelector(table, selection.name)
    case 'count': {
      const { type, start } = aggregateOf('countrows', { is: 'int' })
      return aggregating('count', type, start, () => null)
    }
    case 'cast':
      return compileCast(inner(selection.of), selection.type)
    case 'element':
      return elementOf(inner(selection.of), selection.key, context)
    case 'slice':
      return sliceOf(inner(selection.of), selection.from, selection.to, context)
    case 'typed':
      return compileTyped(table, selection, context)
    case 'arithmetic':
      return compileArithmetic(table, selection, context)
    case 'negation': {
      const of = inner(selection.of)
      if (!isNumeric(of.type)) throw invalid(`the '-' operation is not supported for ${formatType(of.type)}`)
      const zero = compileTerm({ is: 'literal', kind: 'integer', text: '0' }, of, context)
      const { run } = arithmetic('-', of.type, of.type)
      return combined(`-${of.name}`, of.type, [of], ([value = null], scope) => {
        const from = zero(scope)
        return value && from instanceof Uint8Array ? run(from, value) : null
      })
    }
    case 'term': {
      const type = expected ?? naturalType(selection.term)
      if (!type) throw invalid('Cannot infer type for term in selection clause (try using a cast to force a type)')
      const term = compileTerm(selection.term, { name: '[selection]', type }, context)
      return plain(formatTerm(selection.term), type, (_row, scope) => valueOrNull(term(scope)))
    }
    case 'call':
      return compileCall(table, selection.name, selection.args, context)
  }
}

function valueOrNull(value: Uint8Array | null | typeof UNSET): Bytes {
  return value === UNSET ? null : value
}

function typeNamed(text: string): CqlType {
  const type = parseType(text)
  if (!type) throw invalid(`Unknown type ${text}`)
  return type
}

function compileCast(of: Selector, text: string): Selector {
  const type = typeNamed(text)
  if (formatType(type) === formatType(of.type)) return of
  const cast = castTo(of.type, type)
  return combined(`cast(${of.name} as ${text})`, type, [of], ([value = null]) => (value === null ? null : cast(value)))
}

/** `(int)a`: a column of that very type, or a term that is to be one. */
function compileTyped(table: Table, { type: text, of }: Extract<Selection, { is: 'typed' }>, context: TermContext): Selector {
  const type = typeNamed(text)
  const inner = compileSelection(table, of, context, of.is === 'term' ? type : null)
  if (formatType(inner.type) !== formatType(type))
    throw invalid(`Cannot assign value ${inner.name} of type ${formatType(inner.type)} to ${formatType(type)}`)
  return { ...inner, name: `(${formatType(type)})${inner.name}`, type }
}

function compileArithmetic(table: Table, { op, left, right }: Extract<Selection, { is: 'arithmetic' }>, context: TermContext): Selector {
  const isLiteral = (of: Selection): boolean => of.is === 'term' && of.term.is === 'literal'
  const literalType = (of: Selection, other: Selector): CqlType | null => {
    if (of.is !== 'term' || of.term.is !== 'literal' || of.term.kind === 'duration') return null
    // A whole number takes the type of the other side.
    return isNumeric(other.type) && (of.term.kind === 'integer' || other.type.is !== 'int') ? other.type : null
  }
  const first = isLiteral(left) ? null : compileSelection(table, left, context)
  const b = compileSelection(table, right, context, first && literalType(right, first))
  const a = first ?? compileSelection(table, left, context, literalType(left, b))
  const { type, run } = arithmetic(op, a.type, b.type)
  const bracketed = (selection: Selection, name: string): string =>
    selection.is === 'arithmetic' && '*/%'.includes(op) && '+-'.includes(selection.op) ? `(${name})` : name
  return combined(`${bracketed(left, a.name)} ${op} ${bracketed(right, b.name)}`, type, [a, b], ([x = null, y = null]) =>
    x && y ? run(x, y) : null,
  )
}

function compileCall(table: Table, name: string, args: readonly Selection[], context: TermContext): Selector {
  const lower = name.toLowerCase()
  if (lower === 'writetime' || lower === 'ttl' || lower === 'maxwritetime') return cellTimes(table, lower, args, context)
  const mask = maskFunction(lower)
  if (mask) return compileMask(table, lower, mask, args, context)
  const inner = args.map((arg) => compileSelection(table, arg, context))
  if (lower === 'token') return tokenSelector(table, args, inner)
  const title = `system.${lower}(${inner.map((each) => each.name).join(', ')})`
  const [first] = inner
  if (isAggregate(lower)) {
    if (!first || inner.length !== 1)
      throw invalid(`Invalid number of arguments in call to function ${lower}: 1 required but ${inner.length} provided`)
    if (first.isAggregate) throw invalid('aggregate functions cannot be used as arguments of aggregate functions')
    const { type, start } = aggregateOf(lower, first.type)
    return aggregating(title, type, start, first.value)
  }
  const generic = genericFunction(lower, inner)
  if (generic) return generic
  const fn = resolveFunction(
    lower,
    inner.map((each) => each.type),
  )
  // Which overload it is says of which type a constant is meant; of a column the type has to be the function's own.
  const typed = args.map((arg, i) => (arg.is === 'term' ? compileSelection(table, arg, context, { is: fn.args[i] ?? 'text' }) : inner[i]))
  const parts = typed.filter((each) => each !== undefined)
  const misfit = parts.find(({ type }, i) => !takes(fn.args[i], type.is))
  if (misfit) throw invalid(`Invalid call to function ${fn.name}: it does not take ${misfit.name} of type ${formatType(misfit.type)}`)
  return combined(title, { is: fn.result }, parts, (values, scope) => {
    const given = values.filter((value) => value !== null)
    return given.length === values.length ? fn.run(given, scope) : null
  })
}

/** Types whose bytes are those of another type too (Cassandra's `isValueCompatibleWith`). */
const alsoTakes = new Map<string | undefined, readonly string[]>([
  ['text', ['ascii']],
  ['uuid', ['timeuuid']],
  ['date', ['int']],
  ['timestamp', ['bigint']],
  ['time', ['bigint']],
  ['varint', ['int', 'bigint']],
])

function takes(wanted: string | undefined, given: string): boolean {
  return wanted === given || wanted === 'blob' || alsoTakes.get(wanted)?.includes(given) === true
}

function compileMask(table: Table, name: string, mask: MaskFunction, args: readonly Selection[], context: TermContext): Selector {
  const [first, ...others] = args
  if (!first) throw invalid(`Invalid number of arguments in call to function ${name}`)
  const of = compileSelection(table, first, context)
  const types = mask.rest(of.type)
  if (others.length < mask.needed || others.length > types.length) throw invalid(`Invalid number of arguments in call to function ${name}`)
  const parts = [of, ...others.map((arg, i) => compileSelection(table, arg, context, types[i] ?? null))]
  const title = `system.${name}(${parts.map((part) => part.name).join(', ')})`
  return combined(title, mask.result(of.type), parts, (values) => mask.run(of.type, values))
}

function tokenSelector(table: Table, args: readonly Selection[], inner: readonly Selector[]): Selector {
  const names = table.partitionKey.map((column) => column.name)
  if (inner.some((each) => each.isAggregate)) throw unsupported('a token of an aggregate')
  if (inner.length !== names.length)
    throw invalid(`Invalid number of arguments in call to function system.token: ${names.length} required but ${inner.length} provided`)
  const isOwn = args.every((arg, i) => arg.is === 'column' && arg.name === names[i])
  return plain(`system.token(${inner.map((each) => each.name).join(', ')})`, { is: 'bigint' }, (row, scope) => {
    const out = Buffer.alloc(8)
    const parts = inner.map((each) => each.value(row, scope))
    if (parts.some((part) => part === null)) return null
    out.writeBigInt64BE(isOwn ? row.token : murmur3Token(compositeKey(parts.filter((part) => part !== null))))
    return out
  })
}
