import { relative } from 'node:path'
import { messageOf, MillraceError, type ErrorCode } from '../platform/index.ts'

/**
 * An error thrown by the author's code, with the file and line of the first stack frame in the project; source maps
 * must be on. A definition error keeps its message and gains the place.
 */
export function authorError(error: unknown, projectDir: string, source: string, code: ErrorCode): MillraceError {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const frame = stack.split('\n').find((line) => line.includes(projectDir) && !line.includes('node_modules') && /:\d+:\d+\)?$/.test(line))
  const place = /((?:file:\/\/)?\/[^\s()]+):(\d+):(\d+)\)?$/.exec(frame ?? '')
  const file = place?.[1] === undefined ? source : relative(projectDir, place[1].replace('file://', ''))
  const where = place ? `${file}:${place[2]}:${place[3]}` : file
  return new MillraceError(code, `${where}: ${messageOf(error)}`, {
    cause: error,
    details: { file, line: place ? Number(place[2]) : null },
  })
}
