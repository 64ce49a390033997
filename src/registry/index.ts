export { listenForRegistry } from './listener.ts'
export { startRegistry } from './start-here.ts'
export type { RegistryListener } from './listener.ts'
export type { RegistryHandle, RegistryOptions } from './start-registry.ts'
