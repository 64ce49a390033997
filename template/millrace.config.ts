import { defineConfig } from 'millrace'

// Ports, real Kafka and Cassandra by address, secrets: docs/configuration.md of Millrace.
export default defineConfig({
  name: 'my-project',
})
