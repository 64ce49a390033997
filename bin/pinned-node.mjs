// Which Node 24 to run on: this process's own, or the one that npm installed beside the package. Parses on Node 20.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const neededMajor = 24

/** Path of a Node that Millrace runs on; null where this one is too old and npm brought none. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= neededMajor) return process.execPath
  try {
    const name = `node-${process.platform}-${process.arch}`
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node')
  } catch {
    return null
  }
}

/** What keeps Millrace from running here, in one line that says what to do; null when nothing does. */
export async function findObstacle() {
  if (findNode() === null)
    return `needs Node ${neededMajor} and this is ${process.version}; install Node ${neededMajor}, or let npm bring it: "npm ci" (or "npm install") without --omit=optional.`
  // One for all: its native binding is an optional package of this platform, as everyone's is.
  const installed = await import('@node-rs/crc32').then(
    () => true,
    () => false,
  )
  return installed ? null : 'packages are missing: run "npm ci" (or "npm install"), and without --omit=optional.'
}

/** Ends this process with a line. */
export function endBecause(obstacle) {
  console.error(`millrace: ${obstacle}`)
  process.exit(69)
}

/** Becomes another program: same terminal, its signals, its exit code. */
export function become(command, args, env = process.env) {
  const child = spawn(command, args, { stdio: 'inherit', env })
  // The terminal sends Ctrl-C to the child as well; others' signals are passed on.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => endBecause(`${command} could not be started: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128))
}
