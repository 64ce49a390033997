import { startCqlStore } from '../index.ts'

/** The table store in a process of its own, for tests that kill it: `<data folder>`. Prints its port; ends with its standard input. */
const store = await startCqlStore({ dataDir: process.argv[2] ?? '', host: '127.0.0.1', port: 0 })
process.stdin.resume().once('end', () => process.kill(process.pid, 'SIGKILL'))
process.stdout.write(`${store.port}\n`)
