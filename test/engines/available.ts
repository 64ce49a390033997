import { describe } from 'vitest'
import { engines } from '../../tools/engines/index.ts'
import { systems } from '../../tools/engines/systems/index.ts'
import { judgedBy } from '../harness/judges.ts'

/** False, with a note, where one of these systems cannot be started; in CI they must be. */
export function enginesAvailable(names: readonly string[]): boolean {
  const lacking = engines.missing(...names)
  if (lacking === null) return true
  if (process.env.CI === 'true') throw new Error(`real systems must run in CI. ${lacking}`)
  console.warn(`left out: ${lacking}`)
  return false
}

/** Of systems, with versions. */
export const titlesOf = (names: readonly string[]): string[] => names.map((name) => systems.get(name)?.title ?? name)

/** A suite that is judged by these real systems (names as in `npm run engines -- list`); left out, with a note, where one cannot be started. */
export function describeOn(names: readonly string[], title: string, body: () => void): void {
  describe(title, { skip: !enginesAvailable(names), ...judgedBy(...titlesOf(names)) }, body)
}

/** The same for systems that are too large for every run: only with `variable` set to 1. */
export function describeWhenAsked(variable: string, names: readonly string[], title: string, body: () => void): void {
  const isAsked = process.env[variable] === '1'
  if (!isAsked) console.warn(`left out: ${title} (${variable}=1 runs it)`)
  const meta = { judges: titlesOf(names), onlyWith: `${variable}=1` }
  describe(title, { skip: !isAsked || !enginesAvailable(names), meta }, body)
}
