#!/usr/bin/env node
// Starts the command on Node 24: in this process when it is one, else on the Node that npm installed beside the package.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname } from 'node:path'
import { become, endBecause, findNode, findObstacle } from './pinned-node.mjs'

const obstacle = await findObstacle()
if (obstacle !== null) endBecause(obstacle)
else if (findNode() !== process.execPath) become(findNode(), process.argv.slice(1))
else {
  nodeModule.enableCompileCache()
  // Children and threads share it; the directory it was made in has Node's version in its name already.
  const cacheDir = nodeModule.getCompileCacheDir()
  if (cacheDir) process.env.NODE_COMPILE_CACHE ??= dirname(cacheDir)
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const { runCli } = await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
  await runCli(process.argv.slice(2))
}
