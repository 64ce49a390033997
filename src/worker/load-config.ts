import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Json } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { bundle } from './bundle.ts'
import { authorError } from './author-error.ts'

/** The default export of `millrace.config.ts`, as JSON, unchecked. */
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
    const json: Json = JSON.parse(JSON.stringify(config))
    return json
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
