import type * as here from './start-broker.ts'

/**
 * `startBroker`, loaded when it is called: whoever starts the broker on a thread of its own need not hold the broker's code
 * beside it (about 15 MB).
 */
export const startBroker: typeof here.startBroker = async (options, context) =>
  (await import('./start-broker.ts')).startBroker(options, context)
