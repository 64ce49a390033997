import { isObject } from '../options-reader.ts'

/** The value at a path of names joined by dots (`meta.next`); the empty path is the value itself. Undefined when a step is missing. */
export function atPath(value: unknown, path: string): unknown {
  let at = value
  for (const step of path === '' ? [] : path.split('.')) {
    if (!isObject(at) || !Object.hasOwn(at, step)) return undefined
    at = at[step]
  }
  return at
}
