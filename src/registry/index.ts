export { startRegistry } from './start-registry.ts'
export type { RegistryHandle, RegistryOptions } from './start-registry.ts'
