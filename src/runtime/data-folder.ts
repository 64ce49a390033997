import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errnoOf, makeFolders, MillraceError, systemDisk } from '../platform/index.ts'

const formatVersion = 1

/** The data folder, held by this process alone. */
export interface DataFolder {
  readonly path: string
  readonly kafkaDir: string
  readonly tablesDir: string
  readonly logsDir: string
  readonly bundlesDir: string
  readonly metadataPath: string
  /** Names this folder, and so whoever holds it: made once, the same over restarts. */
  readonly instance: string
  release(): void
}

/**
 * Takes the folder for this process. The lock is one the kernel holds (SQLite's exclusive file lock), so it goes with the
 * process however it ends; a PID file would outlive a kill or lie in a container.
 * @throws MillraceError DATA_DIR_IN_USE, DATA_DIR_NEWER
 */
export function openDataFolder(path: string): DataFolder {
  makeFolder(path)
  const lock = new DatabaseSync(join(path, 'lock.sqlite'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new MillraceError(
      'DATA_DIR_IN_USE',
      `${path} is in use by another Millrace: stop it ("millrace stop"), or set MILLRACE_DATA_DIR to another folder.`,
      { cause: error },
    )
  }
  let instance: string
  try {
    checkFormat(join(path, 'format'))
    instance = instanceOf(join(path, 'instance'))
  } catch (error) {
    lock.close()
    throw error
  }
  return {
    path,
    kafkaDir: join(path, 'kafka'),
    tablesDir: join(path, 'tables'),
    logsDir: join(path, 'logs'),
    bundlesDir: join(path, 'bundles'),
    metadataPath: join(path, 'metadata.sqlite'),
    instance,
    release: () => lock.close(),
  }
}

function makeFolder(path: string): void {
  try {
    makeFolders(join(path, 'logs'), 0o700)
  } catch (error) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `The data folder ${path} cannot be made (${errnoOf(error)}): set MILLRACE_DATA_DIR to a folder you may write.`,
      { cause: error },
    )
  }
}

function instanceOf(file: string): string {
  if (!existsSync(file)) systemDisk.replaceFile(file, `millrace-${randomBytes(8).toString('hex')}\n`)
  return readFileSync(file, 'utf8').trim()
}

function checkFormat(file: string): void {
  if (!existsSync(file)) {
    systemDisk.replaceFile(file, `millrace ${formatVersion}\n`)
    return
  }
  const version = Number(/^millrace (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1])
  if (version === formatVersion) return
  throw new MillraceError(
    'DATA_DIR_NEWER',
    `${file} says format ${version}, this version of Millrace knows ${formatVersion}: use the newer Millrace, or another MILLRACE_DATA_DIR.`,
  )
}

/** A user and a generated secret for listeners that others can reach (P8); made once, readable by the owner alone. */
export function ensureCredentials(dataDir: string): { username: string; password: string; file: string } {
  const file = join(dataDir, 'credentials.json')
  if (!existsSync(file))
    systemDisk.replaceFile(file, JSON.stringify({ username: 'millrace', password: randomBytes(24).toString('base64url') }) + '\n', 0o600)
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof content === 'object' && content !== null && 'username' in content && 'password' in content) {
    const { username, password } = content
    if (typeof username === 'string' && typeof password === 'string') return { username, password, file }
  }
  throw new MillraceError('DATA_CORRUPT', `${file} does not hold a username and a password: remove it and start again for new ones.`)
}
