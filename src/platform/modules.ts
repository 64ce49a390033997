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
