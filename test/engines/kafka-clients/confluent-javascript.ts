import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureArtifacts } from '../../../tools/engines/artifacts.ts'
import { triplet } from '../../../tools/engines/bring.ts'
import { missingArtifacts } from '../../../tools/engines/requirements.ts'
import { runProgram } from './run-program.ts'

const folder = 'node_modules/@confluentinc/kafka-javascript'
const headers = join(dirname(dirname(process.execPath)), 'include/node/node_version.h')

/** Compiled from its source, librdkafka with it, against Debian's libraries: binaries made elsewhere are nobody's to check. */
const client = {
  title: '@confluentinc/kafka-javascript 1.10.1',
  artifacts: [
    {
      is: 'apt',
      into: 'system',
      packages: ['libcurl4-openssl-dev', 'libcurl4', 'libssl-dev', 'libssl3', 'zlib1g-dev', 'libzstd-dev', 'libzstd1'],
    },
    {
      is: 'npm',
      packages: ['@confluentinc/kafka-javascript@1.10.1'],
      nodeAbi: process.versions.modules,
      libraries: 'system',
      env: { CKJS_LINKING: 'dynamic' },
      leftOver: [join(folder, 'deps'), join(folder, 'build/Release/obj.target'), join(folder, 'build/Release/.deps')],
    },
  ],
} as const

export const confluentJavaScriptTitle = client.title

/** What is lacking to compile it, and how to get it; null: nothing. */
export function missingConfluentJavaScript(): string | null {
  return existsSync(headers) ? missingArtifacts(client) : `Node's headers are not beside it: ${headers}.`
}

/** Compiles it when that was not done yet: some minutes. */
export async function bringConfluentJavaScript(): Promise<void> {
  await ensureArtifacts(client)
}

/** Its checks with what it saw, by their names. */
export async function runConfluentJavaScript(servers: string): Promise<Record<string, unknown>> {
  const dir = await ensureArtifacts(client)
  const program = join(import.meta.dirname, '../data/confluent-javascript/main.cjs')
  // A machine may lack the libraries that it was linked with.
  const env = { LD_LIBRARY_PATH: join(dir, 'system/usr/lib', triplet) }
  return JSON.parse(await runProgram(process.execPath, [program, join(dir, folder), servers], { env, timeoutMs: 500_000 }))
}
