import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger, type Logger } from '../platform/index.ts'

const rotateAtBytes = 16 * 1_048_576

/** `logs/millrace.log`: JSON lines of the supervisor and its parts; the one before is kept as `millrace.1.log`. */
export function openLogFile(logsDir: string): { log: Logger; path: string; close: () => Promise<void> } {
  const path = join(logsDir, 'millrace.log')
  if (existsSync(path) && statSync(path).size > rotateAtBytes) renameSync(path, join(logsDir, 'millrace.1.log'))
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 })
  // A full disk must not take the process down with its own log.
  stream.on('error', () => undefined)
  return {
    log: createLogger((line) => void stream.write(line)),
    path,
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  }
}
