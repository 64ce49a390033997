import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { LogFiles } from '../broker/index.ts'
import { MillraceError } from '../platform/index.ts'
import { openDataFolder } from './data-folder.ts'

/**
 * The broker's logs as files: of a data folder of Millrace's, or of Kafka's own (`log.dirs`). To change them, the folder is held as a
 * running Millrace holds it. @throws MillraceError NOT_FOUND, DATA_DIR_IN_USE
 */
export async function withLogFiles<T>(dataDir: string, forChange: boolean, action: (files: LogFiles) => Promise<T>): Promise<T> {
  const isOurs = existsSync(join(dataDir, 'kafka', 'meta.properties'))
  const kafkaDir = isOurs ? join(dataDir, 'kafka') : dataDir
  if (!existsSync(join(kafkaDir, 'meta.properties')))
    throw new MillraceError('NOT_FOUND', `${dataDir} holds no logs: name the data folder with --data-dir.`)
  const held = forChange && isOurs ? openDataFolder(dataDir) : null
  try {
    const { openLogFiles } = await import('../broker/index.ts')
    return await action(await openLogFiles(kafkaDir))
  } finally {
    held?.release()
  }
}
