export { readApiAddress, removeApiAddress, writeApiAddress, type ApiAddress } from './api-address.ts'
export { createApiClient, type ApiClient, type AuditView, type LogChunk, type ResetOrder, type Role } from './api-client.ts'
