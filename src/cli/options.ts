import type { Json } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { basePathForm, basePathOf } from '../runtime/index.ts'

/** A whole number that an option gives. @throws MillraceError BAD_REQUEST */
export function wholeNumberOption(option: string, text: string, least = 1): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : -1
  if (number >= least) return number
  throw new MillraceError('BAD_REQUEST', `${option} ${text}: write a whole number of at least ${least}.`)
}

/** @throws MillraceError BAD_REQUEST */
export function portOption(option: string, text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Infinity
  if (port <= 65_535) return port
  throw new MillraceError('BAD_REQUEST', `${option} ${text}: a port is a whole number from 0 (any free one) to 65535.`)
}

/** `/millrace`; '' for the root. @throws MillraceError BAD_REQUEST */
export function basePathOption(text: string): string {
  const path = basePathOf(text)
  if (path !== null) return path
  throw new MillraceError('BAD_REQUEST', `--base-path ${text}: ${basePathForm}.`)
}

/** `name=value` of a config. @throws MillraceError BAD_REQUEST */
export function configOption(option: string, text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new MillraceError('BAD_REQUEST', `${option} ${text}: write name=value, for example retention.ms=3600000.`)
}

/** Gathers an option that may be repeated. */
export const repeated = (text: string, before: readonly string[] = []): string[] => [...before, text]

/** A JSON object. @throws MillraceError BAD_REQUEST */
export function objectOption(option: string, text: string): Record<string, Json> {
  const value = parsed(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new MillraceError('BAD_REQUEST', `${option} is not a JSON object: write ${option} '{"day":"2026-01-01"}'.`)
}

/** A JSON array. @throws MillraceError BAD_REQUEST */
export function arrayOption(option: string, text: string): Json[] {
  const value = parsed(text)
  if (Array.isArray(value)) return value
  throw new MillraceError('BAD_REQUEST', `${option} is not a JSON array: write ${option} '["a",1]'.`)
}

/** Undefined: it is no JSON. */
function parsed(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}
