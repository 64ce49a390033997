import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from './project.ts'

export interface PackedFile {
  readonly path: string
}

/** The path as it is for a user, without what this tree has installed; free ports and the local stand-in. */
export const usersEnvironment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|MILLRACE_)/i.test(name))),
  PATH: (process.env.PATH ?? '')
    .split(delimiter)
    .filter((dir) => !dir.includes('node_modules'))
    .join(delimiter),
  MILLRACE_KAFKA_PORT: '0',
  MILLRACE_CQL_PORT: '0',
  MILLRACE_REGISTRY_PORT: '0',
  MILLRACE_CONSOLE_PORT: '0',
  MILLRACE_RANDOMUSER: 'local',
}

/** What a command prints; throws with all it said when it fails. */
export function succeed(command: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status ?? error?.message}):\n${stdout}${stderr}`)
  return stdout
}

/** Builds and packs into a folder, so that the tree stays as it is; the tarball is in it. @returns what is in the tarball */
export function packMillrace(dir: string): readonly PackedFile[] {
  succeed('tsc', ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(dir, 'dist')], { cwd: root, env: process.env })
  const consoleDir = join(dir, 'console/dist')
  succeed('vite', ['build', join(root, 'console'), '--logLevel', 'warn', '--outDir', consoleDir], { cwd: root, env: process.env })
  for (const part of ['bin', 'template', 'package.json', 'README.md', 'LICENSE'])
    cpSync(join(root, part), join(dir, part), { recursive: true })
  const report: readonly { readonly files: readonly PackedFile[] }[] = JSON.parse(
    succeed('npm', ['pack', '--json', '--ignore-scripts'], { cwd: dir, env: usersEnvironment }),
  )
  return report[0]?.files ?? []
}
