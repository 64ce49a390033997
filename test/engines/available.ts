import { engines } from '../../tools/engines/index.ts'

/** False, with a note, where one of these systems cannot be started; in CI they must be. */
export function enginesAvailable(...names: Parameters<typeof engines.missing>): boolean {
  const lacking = engines.missing(...names)
  if (lacking === null) return true
  if (process.env.CI === 'true') throw new Error(`real systems must run in CI. ${lacking}`)
  console.warn(`left out: ${lacking}`)
  return false
}
