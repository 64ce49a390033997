#!/usr/bin/env node
// Starts the command on Node 24: this process when it is one, else the Node that npm installed beside the package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname, join } from 'node:path'

const neededMajor = 24

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  nodeModule.enableCompileCache()
  process.env.NODE_COMPILE_CACHE ??= nodeModule.getCompileCacheDir() ?? ''
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const { runCli } = await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
  await runCli(process.argv.slice(2))
} else {
  runOn(pinnedNode())
}

function pinnedNode() {
  try {
    const name = `node-${process.platform}-${process.arch}`
    return join(dirname(nodeModule.createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node')
  } catch {
    console.error(
      `millrace: needs Node ${neededMajor} and this is ${process.version}; install Node ${neededMajor}, or run "npm install" without --omit=optional.`,
    )
    process.exit(69)
  }
}

function runOn(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  // The terminal sends Ctrl-C to the child as well; others' signals are passed on.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`millrace: ${node} could not be started: ${error.message}`)
    process.exit(69)
  })
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128))
}
