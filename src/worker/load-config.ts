import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Json } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { bundle } from './bundle.ts'
import { authorError } from './author-error.ts'

/** The default export of `millrace.config.ts`, as JSON, unchecked; a function in it as `{ function: path }`. */
export async function loadConfig(path: string): Promise<Json> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-config-'))
  try {
    const [file] = await bundle(dirname(path), folder, [basename(path)])
    if (file === undefined) throw new MillraceError('CONFIG_INVALID', `${path} could not be bundled.`)
    const loaded: unknown = await import(pathToFileURL(file.module).href).catch((error: unknown) => {
      throw authorError(error, dirname(path), basename(path), 'CONFIG_INVALID')
    })
    const config = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
    if (config === undefined)
      throw new MillraceError('CONFIG_INVALID', `${basename(path)} has no default export: write "export default defineConfig({ … })".`)
    const json: Json = JSON.parse(JSON.stringify(withoutFunctions(config, [])))
    return json
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Whether the author wrote something into the config that must not be kept as compiled code (which holds its texts): a secret, or a
 * function, which may hold one. References are none.
 */
export function mustNotBeKept(config: Json, key = ''): boolean {
  if (typeof config === 'string') return /^(password|passphrase|key|token)$/.test(key) || /:\/\/[^/]*@/.test(config)
  if (typeof config !== 'object' || config === null) return false
  return 'function' in config || Object.entries(config).some(([inner, value]) => mustNotBeKept(value, inner))
}

/** Bundles the config into `bundlesDir` for children that call its functions. What is written in it literally is in the bundle too. */
export async function keepConfig(path: string, bundlesDir: string): Promise<{ module: string; digest: string }> {
  const [file] = await bundle(dirname(path), bundlesDir, [basename(path)])
  if (file === undefined) throw new MillraceError('CONFIG_INVALID', `${path} could not be bundled.`)
  return { module: file.module, digest: file.digest }
}

/** The value with each function replaced by its path, e.g. `{ function: 'kafka.sasl.token' }`. */
function withoutFunctions(value: unknown, path: readonly string[]): unknown {
  if (typeof value === 'function') return { function: path.join('.') }
  if (Array.isArray(value)) return value.map((each, i) => withoutFunctions(each, [...path, String(i)]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutFunctions(inner, [...path, key])]))
}
