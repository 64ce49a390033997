import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Message, OutputFile, Plugin } from 'esbuild'
import { messageOf, MillraceError, runsFromSource } from '../platform/index.ts'

export interface BundledFile {
  /** Path of the author's file, relative to the project. */
  source: string
  /** Absolute path of the bundled module. */
  module: string
  /** SHA-256 of the bundled code, hex. */
  digest: string
  /** Absolute paths of the files that are in it. */
  inputs: string[]
}

/**
 * Bundles each of the author's files into one module, so that enums, decorators and tsconfig paths work and every child
 * runs the same code. Packages stay outside and are imported from where they are installed. Modules are kept by digest.
 * @throws MillraceError PIPELINE_INVALID with file and line of what does not compile
 */
export async function bundle(projectDir: string, outDir: string, sources: readonly string[]): Promise<BundledFile[]> {
  const esbuild = await import('esbuild')
  const files: BundledFile[] = []
  try {
    for (const source of sources) {
      const result = await esbuild.build({
        absWorkingDir: projectDir,
        entryPoints: [source],
        bundle: true,
        write: false,
        metafile: true,
        // As deep as the module will lie: source maps name the author's files relative to it.
        outfile: join(outDir, 'digest', 'bundle.mjs'),
        format: 'esm',
        platform: 'node',
        target: 'node24',
        sourcemap: 'inline',
        sourcesContent: false,
        conditions: runsFromSource ? ['millrace-source'] : [],
        logLevel: 'silent',
        plugins: [packagesOutside],
      })
      const inputs = Object.keys(result.metafile.inputs).map((path) => resolve(projectDir, path))
      files.push({ ...(await keep(projectDir, outDir, source, result.outputFiles)), inputs })
    }
  } catch (error) {
    throw bundleError(projectDir, error)
  } finally {
    await esbuild.stop()
  }
  return files
}

async function keep(
  projectDir: string,
  outDir: string,
  source: string,
  outputs: readonly OutputFile[],
): Promise<Omit<BundledFile, 'inputs'>> {
  const code = outputs[0]?.contents ?? new Uint8Array()
  const digest = createHash('sha256').update(code).digest('hex')
  const folder = join(outDir, digest.slice(0, 16))
  const module = join(folder, basename(source).replace(/\.[cm]?[jt]sx?$/, '.mjs'))
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = `${module}.${process.pid}`
  await writeFile(temporary, code, { mode: 0o600 })
  await rename(temporary, module)
  return { source: relative(projectDir, resolve(projectDir, source)), module, digest }
}

/** Leaves installed packages out of the bundle, by the address they resolve to from the author's file. */
const packagesOutside: Plugin = {
  name: 'packages-outside',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async (args) => {
      if (args.kind === 'entry-point' || args.pluginData === 'resolving' || args.path.startsWith('node:')) return undefined
      const found = await build.resolve(args.path, {
        resolveDir: args.resolveDir,
        importer: args.importer,
        kind: args.kind,
        pluginData: 'resolving',
      })
      if (found.errors.length > 0 || found.external) return found
      const isMillrace = args.path === 'millrace' || args.path.startsWith('millrace/')
      if (!isMillrace && !found.path.includes('/node_modules/')) return found
      return { path: pathToFileURL(found.path).href, external: true }
    })
  },
}

function bundleError(projectDir: string, error: unknown): MillraceError {
  const messages: readonly Message[] = error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? error.errors : []
  const [first] = messages
  if (first === undefined)
    return new MillraceError('PIPELINE_INVALID', `The pipeline files could not be bundled: ${messageOf(error)}`, { cause: error })
  const where = first.location
    ? `${relative(projectDir, resolve(projectDir, first.location.file))}:${first.location.line}:${first.location.column + 1}`
    : 'pipeline'
  const more = messages.length > 1 ? ` (and ${messages.length - 1} more)` : ''
  return new MillraceError('PIPELINE_INVALID', `${where}: ${first.text}${more}`, {
    details: { file: first.location?.file ?? null, line: first.location?.line ?? null },
  })
}
