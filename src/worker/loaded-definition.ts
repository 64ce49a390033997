import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { definitionOf, type FunctionRef, type LoadedDefinition } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'

/** Loads the bundle a reference names, after checking that it is the code it was made from. */
export async function loadedDefinition(ref: FunctionRef): Promise<LoadedDefinition> {
  const definition = definitionOf(await loadedExport(ref))
  if (definition === null) throw new MillraceError('PIPELINE_INVALID', `"${ref.export}" is not a definition in ${ref.module}.`)
  return definition
}

/** What the bundle exports under the reference's name. */
export async function loadedExport(ref: FunctionRef): Promise<unknown> {
  const code = await readFile(ref.module).catch((error: unknown) => {
    throw new MillraceError('PIPELINE_INVALID', `The bundle ${ref.module} is gone: start Millrace again to bundle the pipeline files.`, {
      cause: error,
    })
  })
  if (createHash('sha256').update(code).digest('hex') !== ref.digest) {
    throw new MillraceError('PIPELINE_INVALID', `The bundle ${ref.module} is not the code it was registered with: start Millrace again.`)
  }
  const loaded: Record<string, unknown> = await import(pathToFileURL(ref.module).href)
  return loaded[ref.export]
}
