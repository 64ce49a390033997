export { createApiClient, type ApiClient, type LogChunk } from './api-client.ts'
