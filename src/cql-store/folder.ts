import type * as checking from './check.ts'
import type * as compacting from './compact.ts'

// Loaded when they are called: they bring LMDB.

/** See `check.ts`. */
export const checkCqlStore: typeof checking.checkCqlStore = async (options) => (await import('./check.ts')).checkCqlStore(options)

/** See `compact.ts`. */
export const compactCqlStore: typeof compacting.compactCqlStore = async (options) => (await import('./compact.ts')).compactCqlStore(options)
