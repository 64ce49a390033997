import { keepCodeSoon } from './compiled-code.ts'
import { endWithParent } from './parent-watch.ts'

// Entry of every child process: the supervisor forks this file with the role as its argument. User code runs here and nowhere else.
process.setSourceMapsEnabled(true)
endWithParent()
// The terminal's Ctrl-C reaches the whole process group; children stop when their supervisor says so.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('SIGHUP', () => {})

const role = process.argv[2]
// The loader says itself when: it loads the config, which may hold secrets.
if (role !== 'loader') keepCodeSoon()
if (role === 'loader') await (await import('./loader.ts')).serveLoading()
else if (role === 'tasks') await (await import('./task-worker.ts')).serveTasks()
else if (role === 'streams') await (await import('./stream-worker.ts')).serveStreams()
else if (role === 'fixes') await (await import('./fix-worker.ts')).serveFixes()
else if (role === 'tokens') await (await import('./token-worker.ts')).serveTokens()
else throw new Error(`unknown role ${role}`)
