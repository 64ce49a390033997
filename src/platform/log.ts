import { messageOf } from './errors.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Record<string, unknown>

export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same destination with `part` (a room or component name) on every line. */
  child(part: string): Logger
}

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** One JSON object a line: `{"at":"…Z","level":"info","part":"broker","message":"…",…fields}`. Errors become `{message, code}`. */
export function createLogger(
  write: (line: string) => void,
  options: { part?: string; level?: LogLevel; nowMs?: () => number } = {},
): Logger {
  const { part = 'millrace', level = 'info', nowMs = Date.now } = options
  const log =
    (at: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (rank[at] < rank[level]) return
      write(JSON.stringify({ at: new Date(nowMs()).toISOString(), level: at, part, message, ...fields }, plain) + '\n')
    }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (name) => createLogger(write, { part: `${part}.${name}`, level, nowMs }),
  }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return { message: messageOf(value), ...('code' in value ? { code: value.code } : {}), stack: value.stack }
  return value
}

export const silentLogger: Logger = createLogger(() => {}, { level: 'error' })
