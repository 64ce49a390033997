export { startBroker } from './start-here.ts'
export { startBrokerThread } from './start-broker-thread.ts'
export type { BrokerHandle, BrokerOptions, Listener, Recovered } from './options.ts'
