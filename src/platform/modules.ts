import { flushCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/** True when this code runs from its TypeScript sources, false when built. */
export const runsFromSource = import.meta.url.endsWith('.ts')

/**
 * URL of a module beside the caller, right for sources (`.ts`), for the build (`.js`) and under vitest.
 * @param from the caller's `import.meta.url`
 * @param name path without its extension, e.g. `./thread`
 */
export function siblingModule(from: string, name: string): URL {
  return new URL(name + (new URL(from).pathname.endsWith('.ts') ? '.ts' : '.js'), from)
}

export function siblingPath(from: string, name: string): string {
  return fileURLToPath(siblingModule(from, name))
}

/** Node options that a child process or a thread needs to resolve Millrace's own entry points as this process does. */
export const childExecArgv: readonly string[] = runsFromSource
  ? ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning']
  : ['--disable-warning=ExperimentalWarning']

/**
 * Writes compiled code to Node's compile cache soon after a start, while nothing waits: it would be written at an orderly
 * exit alone, and children and killed processes have none. The next start then neither strips types nor compiles again
 * (about 25 MB and 100 ms a process).
 */
export function keepCompiledCode(): void {
  setTimeout(flushCompileCache, 3_000).unref()
}
