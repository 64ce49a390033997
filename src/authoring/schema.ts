import { z } from 'zod'
import { definition, type Defined, type Parse, type SchemaDef } from '../core/index.ts'
import { fieldsOf } from './field-types.ts'

export type Shape = Readonly<Record<string, z.core.$ZodType>>

/** What a producer may leave out: fields with a default are optional here. */
export type InputOf<S extends Shape> = z.input<z.ZodObject<S, z.core.$strict>>
/** What a handler gets: every field, defaults filled in. */
export type OutputOf<S extends Shape> = z.output<z.ZodObject<S, z.core.$strict>>

export interface Schema<S extends Shape> extends Defined<{ is: 'schema'; def: SchemaDef; parse: Parse }> {
  readonly name: string
  readonly shape: S
}

/** A field that is a transform becomes a type that nothing fits, and that says why. */
type WithoutTransforms<S extends Shape> = {
  readonly [K in keyof S]: S[K] extends z.core.$ZodPipe | z.core.$ZodTransform
    ? { 'a transform cannot be stored: use map() instead': K }
    : S[K]
}

/**
 * A named record type from a zod shape. Unknown fields are refused. The stored types (Avro, CQL, …) come from the frozen
 * field types in `def`, see `fieldsOf` for the mapping.
 * @throws MillraceError DEFINITION_INVALID naming the field that has no stored type
 */
export function schema<const S extends Shape>(name: string, shape: S & WithoutTransforms<S>): Schema<S> {
  const object = z.strictObject(shape)
  const def: SchemaDef = { name, fields: fieldsOf(name, shape) }
  const parse: Parse = (value) => {
    const result = object.safeParse(value)
    if (result.success) return { ok: true, value: result.data }
    return { ok: false, problems: result.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })) }
  }
  return { name, shape, [definition]: { is: 'schema', def, parse } }
}
