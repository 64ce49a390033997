import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApiClient, type ApiClient } from '../../src/api-client/index.ts'
import type { TestProject } from './project.ts'

/**
 * The API of the project's running Millrace, for tests that ask until something is so: each `millrace status` is a process that takes
 * processor time from what it waits for. What a command prints is tested by running it.
 */
export function apiOf(project: TestProject): ApiClient {
  const { socket }: { socket: string } = JSON.parse(readFileSync(join(project.dataDir, 'api.json'), 'utf8'))
  return createApiClient(socket)
}
