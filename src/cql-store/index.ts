export { startCqlStore, type CqlStoreHandle, type CqlStoreOptions } from './start.ts'
export { startCqlStoreThread } from './thread-host.ts'
