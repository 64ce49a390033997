import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Releasers } from '../platform/index.ts'

/** A new folder that goes with `releasers`. */
export async function temporaryFolder(releasers: Releasers, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `millrace-${name}-`))
  releasers.add('folder', () => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}
