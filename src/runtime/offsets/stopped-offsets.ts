import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { OffsetPorts } from '../../api-server/index.ts'
import type { KafkaClient } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { findConfig, startLoading } from '../children/loading.ts'
import { openDataFolder, type DataFolder } from '../data-folder.ts'
import { settingsBy } from '../load-settings.ts'
import { projectOffsets } from './project-offsets.ts'

export interface StoppedOffsets {
  projectDir: string
  env: Readonly<Record<string, string | undefined>>
  kafka: KafkaClient
}

/**
 * The offsets of a project whose Millrace does not run, over Kafka alone. The data folder, where there is one, is held meanwhile: no start
 * comes in between, and members that its last start left in their groups are known to be gone.
 */
export async function withStoppedOffsets<T>(
  { projectDir: from, env, kafka }: StoppedOffsets,
  action: (offsets: OffsetPorts) => Promise<T>,
): Promise<T> {
  const { configPath, projectDir } = findConfig(from)
  const loading = startLoading({ owner: projectDir, onLine: () => undefined })
  let folder: DataFolder | null = null
  try {
    const settings = await settingsBy(loading, { configPath, projectDir, env })
    const { project: name, dataDir, pipelines: globs } = settings
    const { project } = await loading.pipelines({ name, projectDir, bundlesDir: join(dataDir, 'bundles'), globs })
    folder = existsSync(join(dataDir, 'format')) ? held(dataDir) : null
    const offsets = projectOffsets({
      kafka: () => Promise.resolve(kafka),
      project: () => project,
      instance: folder?.instance ?? null,
      whileStopped: (act) => act(),
      liveRun: () => Promise.resolve(null),
    })
    return await action(offsets)
  } finally {
    loading.close()
    folder?.release()
  }
}

/** Null while another Millrace has it, on another Kafka, say: its members are not ours to put out. */
function held(dataDir: string): DataFolder | null {
  try {
    return openDataFolder(dataDir)
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'DATA_DIR_IN_USE') return null
    throw error
  }
}
