import type * as here from './start.ts'

/**
 * `startCqlStore`, loaded when it is called: whoever starts the store on a thread of its own need not hold the store's code
 * beside it (about 13 MB).
 */
export const startCqlStore: typeof here.startCqlStore = async (options, context) =>
  (await import('./start.ts')).startCqlStore(options, context)
