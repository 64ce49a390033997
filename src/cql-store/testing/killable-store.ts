import { silentLogger, systemClock, systemDisk } from '../../platform/index.ts'
import { Engine } from '../storage/index.ts'
import { stepOf, writeStep } from './history.ts'

/**
 * The storage engine in a process of its own, for tests that kill it: `<data folder> <seed> <first step>`. Carries out the seed's history, 16
 * statements at a time, and prints each one's number once it is acknowledged; takes garbage out all the while.
 */
const [, , dataDir = '', seed = '0', first = '0'] = process.argv
const { engine } = await Engine.open({
  dataDir,
  disk: systemDisk,
  clock: systemClock,
  log: silentLogger,
  flush: 'sync',
  // Small, so that files of the log end all the time.
  logFileBytes: 16 * 1024,
  isLive: () => true,
  gcGraceSeconds: () => 1,
  isStale: () => false,
})
async function sweepOn(): Promise<void> {
  while ((await engine.sweep()).ended === 'done') await systemClock.sleep(5)
}
async function write(number: number): Promise<void> {
  await writeStep(engine, stepOf(Number(seed), number))
  process.stdout.write(`${number}\n`)
}
process.stdin.resume().once('end', () => process.kill(process.pid, 'SIGKILL'))
process.stdout.write('ready\n')
void sweepOn()
const inFlight = new Set<Promise<void>>()
for (let number = Number(first); ; number++) {
  const done = write(number).finally(() => inFlight.delete(done))
  inFlight.add(done)
  if (inFlight.size >= 16) await Promise.race(inFlight)
}
