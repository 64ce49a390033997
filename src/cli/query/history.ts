import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemDisk } from '../../platform/index.ts'

/** Statements of earlier shells that are remembered. */
export const maxHistory = 1_000

/** P8: what may hold a secret is not written down. */
const secret = /\b(password|credentials)\b/i

/** In the state folder of whoever sits at the terminal, for all projects. */
export function historyFile(env: NodeJS.ProcessEnv): string {
  return env.MILLRACE_QUERY_HISTORY ?? join(env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'millrace', 'query_history')
}

/** The newest first, as readline wants them. A file that cannot be read is none. */
export function readHistory(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).slice(-maxHistory).toReversed()
  } catch {
    return []
  }
}

/** Adds a statement as one line, unless it may hold a secret; where nothing can be written the shell goes on without. */
export function addToHistory(file: string, statement: string): void {
  if (secret.test(statement)) return
  try {
    if (!existsSync(file)) {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      systemDisk.replaceFile(file, '', 0o600)
    }
    appendFileSync(file, `${oneLine(statement)}\n`)
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    if (lines.length > 2 * maxHistory) systemDisk.replaceFile(file, `${lines.slice(-maxHistory).join('\n')}\n`, 0o600)
  } catch {
    // The history is a convenience.
  }
}

/** A comment to the end of a line would swallow the lines behind it: it goes. */
export function oneLine(statement: string): string {
  return statement
    .replaceAll(/('(?:[^']|'')*'|"(?:[^"]|"")*")|(?:--|\/\/)[^\n]*/g, (_all, quoted: string | undefined) => quoted ?? '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim()
}
