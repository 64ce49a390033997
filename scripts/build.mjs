// Builds what the published package carries: dist/, since Node strips no types under node_modules, and the console.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
for (const [command, ...args] of [
  ['tsc', '-p', 'tsconfig.build.json'],
  ['vite', 'build', 'console', '--logLevel', 'warn'],
]) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
