#!/usr/bin/env node
// `npm create millrace [dir]`: what `millrace init [dir]` does, by the command that this package depends on.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const command = new URL('bin/millrace.mjs', pathToFileURL(require.resolve('millrace/package.json')))
process.argv.splice(1, 1, command.pathname, 'init')
await import(command.href)
