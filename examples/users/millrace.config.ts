import { defineConfig } from 'millrace'

export default defineConfig({
  name: 'users',
  pipelines: ['**/*.pipeline.ts'],
})
