import { cpSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { errnoOf, makeFolders, MillraceError } from '../../platform/index.ts'
import { version } from '../../runtime/index.ts'
import type { WithContext } from '../main.ts'

/** The project that a new one begins as; lies beside `src/`, or `dist/`. */
const template = fileURLToPath(new URL('../../../template', import.meta.url))

/** npm leaves a file of this name out of packages. */
const renamed: Readonly<Record<string, string>> = { gitignore: '.gitignore' }

export function addInitCommand(program: Command, context: WithContext): void {
  program
    .command('init [dir]')
    .description('write a project to begin with: a pipeline, its config, a test')
    .action((dir = '.') => {
      const { output, projectDir } = context()
      const folder = resolve(projectDir, dir)
      const files = writeProject(folder)
      output.data({ folder, files })
      const here = relative(process.cwd(), folder)
      output.line(`made ${files.length} files in ${here === '' ? 'this folder' : here}: ${files.join(', ')}`)
      output.line(`next: ${here === '' ? '' : `cd ${here} && `}npm install && npm run dev`)
    })
}

/** Writes the template's files. @throws MillraceError ALREADY_EXISTS when one of them is there, and writes none */
function writeProject(folder: string): string[] {
  const files = readdirSync(template).map((from) => ({ from, to: renamed[from] ?? from }))
  const there = files.filter(({ to }) => isThere(join(folder, to))).map(({ to }) => to)
  if (there.length > 0)
    throw new MillraceError(
      'ALREADY_EXISTS',
      `${there.join(', ')} of ${folder} would be overwritten: name a new folder, millrace init <dir>.`,
    )
  makeFolder(folder)
  for (const { from, to } of files) cpSync(join(template, from), join(folder, to))
  const name = nameOf(folder)
  for (const file of ['package.json', 'millrace.config.ts', 'README.md']) {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8').replaceAll('my-project', name)
    writeFileSync(path, text.replace(/"millrace": "[^"]+"/, `"millrace": "^${version}"`))
  }
  return files.map(({ to }) => to)
}

/** Links too, that lead nowhere: they would be written through. Below a file there is nothing, which making the folder tells. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return false
    throw error
  }
}

function makeFolder(folder: string): void {
  try {
    makeFolders(folder, 0o777)
  } catch (error) {
    throw new MillraceError('ALREADY_EXISTS', `${folder} is no folder, and none can be made there (${errnoOf(error)}): name another.`, {
      cause: error,
    })
  }
}

/** A project's name goes into names of packages, topics and groups. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[_-]+/, '')
    .slice(0, 60)
  return name === '' ? 'my-project' : name
}
