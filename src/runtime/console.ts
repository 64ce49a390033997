import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Access, AuditLog, type ApiServer, type ConsoleScope } from '../api-server/index.ts'
import { asMillraceError, MillraceError, runsFromSource, systemClock, type Logger } from '../platform/index.ts'
import type { DataFolder } from './data-folder.ts'
import type { Settings } from '../settings/index.ts'
import { version } from './version.ts'

const defaultPort = 8080

/** Who may use the API, and the log of what they did. */
export async function openAccess(folder: DataFolder): Promise<{ access: Access; audit: AuditLog }> {
  return { access: await Access.open(folder.path, systemClock), audit: new AuditLog(folder.logsDir, systemClock) }
}

/**
 * Opens the console's port and makes the first link. The console is not what the pipelines need: a port that cannot be had is a warning, and null.
 * When nobody chose 8080 and it is taken, any free one will do.
 */
export async function openConsole(
  api: ApiServer,
  place: Pick<ConsolePlace, 'settings' | 'basePath' | 'folder'>,
  warnings: string[],
  log: Logger,
): Promise<string | null> {
  try {
    const scope = { project: true, readOnly: false, systems: ['kafka', 'cassandra', 'registry'] } as const
    const web = await openWeb(api, { ...place, port: place.settings.console.port, scope }, log)
    return web.signInLink()
  } catch (error) {
    const warning = `There is no console: ${asMillraceError(error).message}`
    warnings.push(warning)
    log.warn(warning)
    return null
  }
}

export interface ConsolePlace {
  readonly settings: Pick<Settings, 'host' | 'advertisedHost' | 'console'>
  /** Null: 8080, or any free one where that is taken. */
  readonly port: number | null
  readonly basePath: string
  readonly scope: ConsoleScope
  readonly folder: Pick<DataFolder, 'instance'>
}

/** The API and the pages on a TCP port. @throws MillraceError PORT_BUSY, UNREACHABLE */
export async function openWeb(api: ApiServer, place: ConsolePlace, log: Logger): ReturnType<ApiServer['openWeb']> {
  const { settings, port, basePath, scope, folder } = place
  const { host, advertisedHost } = settings
  const { hosts, trustedProxies } = settings.console
  const consoleFolder = consoleFiles(log)
  const open = (at: number): ReturnType<ApiServer['openWeb']> =>
    api.openWeb({
      host,
      port: at,
      basePath,
      scope,
      hosts: [advertisedHost, ...hosts],
      trustedProxies,
      instance: folder.instance,
      version,
      consoleFolder,
    })
  return open(port ?? defaultPort).catch((error: unknown) => {
    if (port === null && error instanceof MillraceError && error.code === 'PORT_BUSY') return open(0)
    throw error
  })
}

const consoleDir = fileURLToPath(new URL('../../console', import.meta.url))
const builtDir = fileURLToPath(new URL('../../console/dist', import.meta.url))

/** Where the built console lies. The package brings it; in a checkout the first page asked for builds it, in a process of its own. */
function consoleFiles(log: Logger): () => string | null {
  let building = false
  return () => {
    if (existsSync(`${builtDir}/index.html`)) return builtDir
    if (runsFromSource && !building) {
      building = true
      build(log)
    }
    return null
  }
}

function build(log: Logger): void {
  const vite = fileURLToPath(new URL('../../node_modules/vite/bin/vite.js', import.meta.url))
  const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: consoleDir, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.on('data', (text: Buffer) => log.info(text.toString().trim(), { from: 'console build' }))
  child.stderr.on('data', (text: Buffer) => log.warn(text.toString().trim(), { from: 'console build' }))
  child.on('error', (error) => log.error('the console could not be built', { error }))
  child.on('exit', (code) => code !== 0 && log.error('the console could not be built', { code }))
}
