import { errors, formatType, murmur3Token, compositeKey, parseType, UNSET, type BoundValue, type CqlType } from '../../cql-wire/index.ts'
import type { Term } from '../lang/index.ts'
import { CqlRefusal, invalid, unsupported } from '../refusal.ts'
import type { Column } from '../schema/index.ts'
import { arithmetic } from './arithmetic.ts'
import { fromJson, JsonMisfit } from './json.ts'
import { parseJson } from './json-text.ts'
import { overloadsOf, type ScalarFunction } from './functions.ts'
import { literalBytes, literalType } from './literals.ts'
import type { Binds, Receiver, Scope } from './scope.ts'
import { collectionOf, normalized, sameType, validatorOf } from './values.ts'

/** Gives a term's value for one execution: bytes, null, or UNSET for a marker that was left out. */
export type CompiledTerm = (scope: Scope) => BoundValue

export interface TermContext {
  binds: Binds
  /** Of the statement's table, for `token(…)`. */
  partitionKey: readonly Column[]
}

/** Compiles a term for its receiver; constants are computed here, bind markers learn their type. @throws CqlRefusal when it does not fit */
export function compileTerm(term: Term, receiver: Receiver, context: TermContext): CompiledTerm {
  switch (term.is) {
    case 'literal': {
      const bytes = literalBytes(term, receiver)
      return () => bytes
    }
    case 'bind':
      return compileBind(term.index, receiver, context)
    case 'call':
      return compileCall(term, receiver, context)
    case 'typed': {
      const type = parseType(term.type)
      if (!type) throw invalid(`Unknown type ${term.type}`)
      if (!sameType(type, receiver.type))
        throw invalid(`Cannot assign value ${term.type} to ${receiver.name} of type ${formatType(receiver.type)}`)
      return compileTerm(term.term, receiver, context)
    }
    case 'arithmetic':
      return compileArithmetic(term, receiver, context)
    case 'negation':
      return compileArithmetic(
        { is: 'arithmetic', op: '-', left: { is: 'literal', kind: 'integer', text: '0' }, right: term.of },
        receiver,
        context,
      )
    default:
      return compileComposite(term, receiver, context)
  }
}

/** As {@link compileTerm}, for places where a value has to be. `what` names the place in the refusal. */
export function compileValue(
  term: Term,
  receiver: Receiver,
  context: TermContext,
  what = `column ${receiver.name}`,
): (scope: Scope) => Uint8Array {
  const compiled = compileTerm(term, receiver, context)
  return (scope) => {
    const value = compiled(scope)
    if (value === UNSET) throw invalid(`Invalid unset value for ${what}`)
    if (value === null) throw invalid(`Invalid null value for ${what}`)
    return value
  }
}

function compileBind(index: number, receiver: Receiver, { binds }: TermContext): CompiledTerm {
  binds.bind(index, receiver)
  const problem = validatorOf(receiver.type)
  const sorts = receiver.type.is === 'set' || receiver.type.is === 'map'
  return ({ values }) => {
    const value = values[index]
    if (value === undefined) throw invalid(`Invalid amount of bind variables`)
    if (value === null || value === UNSET) return value
    const wrong = problem(value)
    if (wrong !== null) throw invalid(wrong)
    return sorts ? normalized(receiver.type, value) : value
  }
}

function compileCall(term: Extract<Term, { is: 'call' }>, receiver: Receiver, context: TermContext): CompiledTerm {
  if (term.name === 'token') return compileToken(term.args, context)
  if (term.name === 'fromjson' || term.name === 'from_json') return compileFromJson(term.args, receiver, context)
  const { fn, args } = resolveCall(term.name, term.args, context)
  const fits =
    fn.result === receiver.type.is ||
    (fn.result === 'timeuuid' && receiver.type.is === 'uuid') ||
    (fn.result === 'text' && receiver.type.is === 'ascii')
  if (!fits) {
    throw invalid(
      `Type error: cannot assign result of function system.${fn.name} (type ${fn.result}) to ${receiver.name} (type ${formatType(receiver.type)})`,
    )
  }
  return callOf(fn, args)
}

/** Runs a function on compiled arguments; a null argument makes null. */
export function callOf(fn: ScalarFunction, args: readonly CompiledTerm[]): CompiledTerm {
  return (scope) => {
    const values: Uint8Array[] = []
    for (const arg of args) {
      const value = arg(scope)
      if (value === null || value === UNSET) return null
      values.push(value)
    }
    return fn.run(values, scope)
  }
}

function resolveCall(name: string, args: readonly Term[], context: TermContext): { fn: ScalarFunction; args: CompiledTerm[] } {
  const types = args.map(naturalType)
  const fn = resolveFunction(name, types)
  return {
    fn,
    args: args.map((arg, i) => compileTerm(arg, { name: `arg${i}(system.${fn.name})`, type: { is: fn.args[i] ?? 'text' } }, context)),
  }
}

/** The overload that takes arguments of these types (null fits each). @throws CqlRefusal when there is none */
export function resolveFunction(name: string, types: readonly (CqlType | null)[]): ScalarFunction {
  const overloads = overloadsOf(name)
  if (overloads.length === 0) {
    if (['tojson', 'fromjson', 'to_json', 'from_json'].includes(name)) throw invalid(`The function ${name} cannot be used here`)
    if (name === 'floor' || name.startsWith('similarity_')) throw unsupported(`the function ${name}`)
    throw invalid(`Unknown function '${name}'`)
  }
  const fitting = overloads.filter((fn) => fn.args.length === types.length)
  if (fitting.length === 0)
    throw invalid(
      `Invalid number of arguments in call to function system.${name}: ${overloads[0]?.args.length ?? 0} required but ${types.length} provided`,
    )
  const fn =
    fitting.find((fn) => fn.args.every((arg, i) => !types[i] || types[i].is === arg)) ??
    (types.every((type) => type === null) ? fitting[0] : undefined)
  const loose = fn ?? fitting.find((fn) => fn.args.every((arg, i) => isLoose(types[i]?.is, arg)))
  if (!loose)
    throw invalid(
      `Invalid call to function ${name}, none of its type signatures match (known type signatures: ${fitting.map((f) => `system.${f.name}(${f.args.join(', ')}) -> ${f.result}`).join(', ')})`,
    )
  return loose
}

/** A string or number literal may stand for what can be written so. */
function isLoose(given: string | undefined, wanted: string): boolean {
  if (given === 'text') return ['ascii', 'timestamp', 'date', 'time', 'inet'].includes(wanted)
  if (given === 'int')
    return ['bigint', 'smallint', 'tinyint', 'varint', 'float', 'double', 'decimal', 'timestamp', 'time', 'date'].includes(wanted)
  if (given === 'bigint') return wanted === 'timestamp' || wanted === 'varint' || wanted === 'time'
  if (given === 'double') return wanted === 'float' || wanted === 'decimal'
  return given === 'uuid' && wanted === 'timeuuid'
}

/** The type of a term that stands alone, or null when only its place can tell. */
export function naturalType(term: Term): CqlType | null {
  if (term.is === 'literal') return term.kind === 'null' ? null : literalType(term)
  if (term.is === 'typed') return parseType(term.type)
  if (term.is === 'negation') return naturalType(term.of)
  if (term.is === 'arithmetic') return naturalType(term.left) ?? naturalType(term.right)
  if (term.is === 'call')
    return term.name === 'token' ? { is: 'bigint' } : { is: resolveFunction(term.name, term.args.map(naturalType)).result }
  return null
}

/** `1 + 2` where a value is wanted: both sides are of the receiver's type, but for a duration that is added to a time. */
function compileArithmetic(
  { op, left, right }: Extract<Term, { is: 'arithmetic' }>,
  receiver: Receiver,
  context: TermContext,
): CompiledTerm {
  const isTime = receiver.type.is === 'timestamp' || receiver.type.is === 'date'
  const rightType: CqlType = isTime ? { is: 'duration' } : receiver.type
  const { run } = arithmetic(op, receiver.type, rightType)
  const a = compileTerm(left, receiver, context)
  const b = compileTerm(right, { name: receiver.name, type: rightType }, context)
  return (scope) => {
    const [x, y] = [a(scope), b(scope)]
    return x instanceof Uint8Array && y instanceof Uint8Array ? run(x, y) : null
  }
}

/** `fromJson('…')`, for whatever type the place wants. */
function compileFromJson(args: readonly Term[], receiver: Receiver, context: TermContext): CompiledTerm {
  const [arg] = args
  if (!arg || args.length !== 1)
    throw invalid(`Invalid number of arguments in call to function system.fromjson: 1 required but ${args.length} provided`)
  const text = compileTerm(arg, { name: 'arg0(system.fromjson)', type: { is: 'text' } }, context)
  const failure = (reason: string): CqlRefusal =>
    new CqlRefusal(errors.FUNCTION_FAILURE, `execution of 'system.fromjson[text]' failed: ${reason}`, {
      functionFailure: { keyspace: 'system', function: 'fromjson', argumentTypes: ['text'] },
    })
  return (scope) => {
    const bytes = text(scope)
    if (!(bytes instanceof Uint8Array)) return null
    const json = parseJson(Buffer.from(bytes).toString('utf8'))
    if (!json) throw failure('Could not decode JSON string')
    try {
      return fromJson(receiver.type, json.value)
    } catch (error) {
      throw error instanceof JsonMisfit ? failure(error.message) : error
    }
  }
}

function compileToken(args: readonly Term[], context: TermContext): CompiledTerm {
  const { partitionKey } = context
  if (args.length !== partitionKey.length)
    throw invalid(
      `Invalid number of arguments in call to function system.token: ${partitionKey.length} required but ${args.length} provided`,
    )
  const parts = args.map((arg, i) => {
    const column = partitionKey[i]
    if (!column) throw invalid('Invalid call to function token')
    return compileValue(arg, { name: column.name, type: column.type }, context)
  })
  return (scope) => {
    const out = Buffer.alloc(8)
    out.writeBigInt64BE(murmur3Token(compositeKey(parts.map((part) => part(scope)))))
    return out
  }
}

function compileComposite(
  term: Extract<Term, { is: 'list' | 'set' | 'tuple' | 'map' }>,
  receiver: Receiver,
  context: TermContext,
): CompiledTerm {
  const { name, type } = receiver
  const misfit = invalid(`Invalid ${term.is} literal for ${name} of type ${formatType(type)}`)
  if (term.is === 'tuple') {
    if (type.is !== 'tuple' || term.items.length > type.of.length) throw misfit
    return compileTuple(term.items, type.of, name, context)
  }
  if (term.is === 'map') {
    if (type.is !== 'map') throw misfit
    return elements(
      type,
      term.entries.flat(),
      (i) => ({ name: `${i % 2 ? 'value' : 'key'}(${name})`, type: i % 2 ? type.value : type.key }),
      context,
    )
  }
  if (term.items.length === 0 && type.is === 'map') return () => collectionOf(type, [])
  if (type.is !== term.is) throw misfit
  return elements(type, term.items, () => ({ name: `value(${name})`, type: type.of }), context)
}

function elements(type: CqlType, terms: readonly Term[], receiverOf: (i: number) => Receiver, context: TermContext): CompiledTerm {
  const compiled = terms.map((term, i) => compileTerm(term, receiverOf(i), context))
  return (scope) => {
    const values = compiled.map((element) => {
      const value = element(scope)
      if (value === null) throw invalid('null is not supported inside collections')
      if (value === UNSET) throw invalid('unset value is not supported inside collections')
      return value
    })
    return normalized(type, collectionOf(type, values))
  }
}

function compileTuple(items: readonly Term[], types: readonly CqlType[], name: string, context: TermContext): CompiledTerm {
  const compiled = items.map((item, i) => compileTerm(item, { name: `${name}[${i}]`, type: types[i] ?? { is: 'blob' } }, context))
  return (scope) => {
    const parts = compiled.map((part) => {
      const value = part(scope)
      if (value === UNSET) throw invalid(`Invalid unset value for tuple field number ${name}`)
      const length = Buffer.alloc(4)
      length.writeInt32BE(value === null ? -1 : value.length)
      return value === null ? length : Buffer.concat([length, value])
    })
    return Buffer.concat(parts)
  }
}
