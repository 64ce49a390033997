export { Access } from './access/access.ts'
export { AuditLog } from './http/audit.ts'
export type { ApiPorts } from './ports.ts'
export { startApiServer, type ApiServer } from './start-api-server.ts'
