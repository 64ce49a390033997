export { createApiClient, type ApiClient, type LogChunk, type Role } from './api-client.ts'
