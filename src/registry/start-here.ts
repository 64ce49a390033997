import type * as here from './start-registry.ts'

/** `startRegistry`, loaded when it is called: whoever only takes the port does not wait for the registry's code. */
export const startRegistry: typeof here.startRegistry = async (options, context) =>
  (await import('./start-registry.ts')).startRegistry(options, context)
