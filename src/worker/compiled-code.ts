import { flushCompileCache } from 'node:module'

/**
 * Compiled code is kept on disk so that the next start is quicker (`platform/modules.ts`); it holds the texts of the code. Once this
 * process has loaded code that may hold a secret, it keeps nothing (P8).
 */
let mayBeKept = true

export function keepNoCode(): void {
  mayBeKept = false
}

export function keepCode(): void {
  if (mayBeKept) flushCompileCache()
}

/** Soon after a start, while nothing waits. */
export function keepCodeSoon(): void {
  setTimeout(keepCode, 3_000).unref()
}
