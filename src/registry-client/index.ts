export { createRegistryClient, type RegistryClient, type SchemaVersion } from './registry-client.ts'
