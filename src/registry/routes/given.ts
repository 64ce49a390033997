import { z } from 'zod'
import { RegistryError, registryErrors } from '../registry-error.ts'
import type { GivenSchema } from '../schema-registry.ts'

const count = z.int().min(1)
const body = z.object({
  schema: z.string(),
  schemaType: z.string().nullish(),
  references: z.array(z.object({ name: z.string(), subject: z.string(), version: count })).nullish(),
  id: z.int().nullish(),
  version: z.int().nullish(),
})

/** The schema of a request's body. Only Avro is taken: another type would be stored unchecked. */
export function givenSchema(json: unknown): GivenSchema {
  const parsed = body.safeParse(json)
  if (!parsed.success) throw registryErrors.unprocessable(`The body is no schema request: ${problemOf(parsed.error)}`)
  const { schema, schemaType, references, id, version } = parsed.data
  if (schemaType && schemaType !== 'AVRO') throw registryErrors.invalidSchema(`its type is ${schemaType}; this registry knows AVRO`)
  return { schema, references: references ?? [], id: positive(id), version: positive(version) }
}

/** Reads a body against a schema of ours, or says in 422 what is wrong with it. */
export function given<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  throw registryErrors.unprocessable(problemOf(parsed.error))
}

/** A version of a path: 1 to 2³¹−1, or `latest`, which is also called −1. */
export function givenVersion(text: string): number | 'latest' {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (version < 1 || version > 2 ** 31 - 1) throw registryErrors.invalidVersion(text)
  return version
}

export function givenId(text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (id < 0) throw new RegistryError(404, 'HTTP 404 Not Found')
  return id
}

export const isSet = (flag: unknown): boolean => flag === 'true'

function positive(value: number | null | undefined): number | undefined {
  return value === null || value === undefined || value < 1 ? undefined : value
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues
  return `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'is not valid'}`
}
