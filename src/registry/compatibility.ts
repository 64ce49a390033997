import { type AvroType, incompatibilities, type Incompatibility } from '../formats/index.ts'
import type { CompatibilityLevel } from './schema-records.ts'

export interface EarlierSchema {
  readonly version: number
  readonly type: AvroType
}

/** A problem of a change, and the version that it clashes with. */
export interface ChangeProblem extends Incompatibility {
  readonly version: number
}

/**
 * What speaks against registering `next` after `earlier` (oldest first) at this level: BACKWARD asks whether the new schema reads what the old one
 * wrote, FORWARD the other way round, FULL both; _TRANSITIVE of every earlier version instead of the last alone.
 */
export function changeProblems(next: AvroType, earlier: readonly EarlierSchema[], level: CompatibilityLevel): ChangeProblem[] {
  if (level === 'NONE') return []
  const against = level.endsWith('_TRANSITIVE') ? earlier : earlier.slice(-1)
  const readsOld = level.startsWith('BACKWARD') || level.startsWith('FULL')
  const oldReads = level.startsWith('FORWARD') || level.startsWith('FULL')
  return against.flatMap(({ version, type }) => [
    ...(readsOld ? incompatibilities(next, type, { reader: 'new', writer: 'old' }) : []).map((each) => ({ ...each, version })),
    ...(oldReads ? incompatibilities(type, next, { reader: 'old', writer: 'new' }) : []).map((each) => ({ ...each, version })),
  ])
}

/** One line of an answer. */
export function describeProblem({ type, path, message, version }: ChangeProblem): string {
  return `${type} at '${path || '/'}' (version ${version}): ${message}`
}
