export { startCqlStore } from './start-here.ts'
export type { CqlStoreHandle, CqlStoreOptions } from './start.ts'
export { startCqlStoreThread } from './thread-host.ts'
