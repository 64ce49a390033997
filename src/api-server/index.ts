export type { ApiPorts } from './ports.ts'
export { startApiServer } from './start-api-server.ts'
