import { findNode } from './pinned-node.mjs'

/** V8 would let the young generation grow to 128 MB, and wait for garbage until the old one has doubled. */
const flags = ['--max-semi-space-size=8', '--heap-growing-percent=30']

/**
 * The table store alone holds half the memory with these (about 160 MB where it had 300), and is slower at nothing that could be measured
 * (docs/benchmarks.md). V8 takes them, and glibc its one arena in place of eight, at the start of a process alone: so this one starts anew,
 * with its id, files and signals. Whoever sets V8's memory by hand has that.
 */
export function boundMemory() {
  const isStore = process.argv.includes('serve') && process.argv.includes('cql-store')
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
  if (!isStore || /semi.space.size/.test(given) || process.platform === 'win32' || !process.execve) return
  // A channel to the parent would not come along.
  if (findNode() !== process.execPath || process.connected) return
  const env = { ...process.env, MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '1' }
  process.execve(process.execPath, [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)], env)
}
