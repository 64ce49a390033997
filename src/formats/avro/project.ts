import type { Field, FieldForm, FieldType } from '../../core/index.ts'
import { instantOfText, textOfInstant } from '../json-forms.ts'
import type { AvroType } from './avro-type.ts'

export type Project = (value: unknown) => unknown

/**
 * A value as its writer's schema gave it, made into what the reader's shape takes: fields that the reader does not know are left out, those that
 * the writer did not know are null or missing (then the shape's own default holds), and forms are the shape's. Whether the rest fits is for the
 * shape to judge. Null when nothing has to be done.
 */
export function projectionOf(fields: readonly Field[], writer: AvroType): Project | null {
  if (writer.is !== 'record') return null
  const known = new Map(writer.fields.map((field) => [field.name, field.type]))
  const plans = fields.map((field) => planOf(field, known.get(field.name)))
  const isSame = plans.every(({ isMissing, change }) => !isMissing && change === null) && known.size === fields.length
  if (isSame) return null
  return (value) => {
    if (!isObject(value)) return value
    const made: Record<string, unknown> = {}
    for (const { name, isMissing, missing, change } of plans) {
      const given = isMissing ? missing : change === null ? value[name] : change(value[name])
      if (given !== undefined) made[name] = given
    }
    return made
  }
}

/** What makes a value in its JSON form into what the field's shape takes (`FieldForm`); null when nothing has to be done. */
export function inShapeForm({ form = {}, type }: Field): Project | null {
  return withForm(null, form, type)
}

interface Plan {
  name: string
  isMissing: boolean
  /** What stands for a field that the writer does not know. */
  missing: null | undefined
  change: Project | null
}

function planOf({ name, type, nullable, form = {}, default: fallback }: Field, writer: AvroType | undefined): Plan {
  const missing = nullable && form.absent !== 'undefined' && fallback === undefined ? null : undefined
  if (writer === undefined) return { name, isMissing: true, missing, change: null }
  return { name, isMissing: false, missing, change: withForm(changeOf(type, writer), form, type) }
}

function withForm(change: Project | null, form: FieldForm, type: FieldType): Project | null {
  const steps: Project[] = change === null ? [] : [change]
  if (form.number === 'bigint') steps.push((value) => (typeof value === 'number' || typeof value === 'string' ? BigInt(value) : value))
  if (form.number === 'number') steps.push((value) => (typeof value === 'string' ? Number(value) : value))
  const { fractionDigits } = form
  if (type.is === 'timestamp' && fractionDigits !== undefined)
    steps.push((value) => {
      const instant = instantOfText(value)
      return (instant && textOfInstant(instant, fractionDigits)) ?? value
    })
  if (form.absent === 'undefined') steps.push((value) => value ?? undefined)
  const [first, second] = steps
  if (first === undefined) return null
  return second === undefined ? first : (value) => steps.reduce((sofar, step) => step(sofar), value)
}

/** What changes inside a value: its structs. */
function changeOf(type: FieldType, writer: AvroType): Project | null {
  const own = writer.is === 'union' ? writer.branches.find(({ is }) => is !== 'null') : writer
  switch (type.is) {
    case 'struct':
      return own?.is === 'record' ? unlessNull(projectionOf(type.fields, own)) : null
    case 'list': {
      const each = own?.is === 'array' ? changeOf(type.of, own.items) : null
      return each && ((value) => (Array.isArray(value) ? value.map(each) : value))
    }
    case 'map': {
      const each = own?.is === 'map' ? changeOf(type.of, own.values) : null
      return (
        each && ((value) => (isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, each(one)])) : value))
      )
    }
    default:
      return null
  }
}

function unlessNull(change: Project | null): Project | null {
  return change && ((value) => (value === null ? null : change(value)))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
