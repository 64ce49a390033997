/** `node tools/engines/main.ts list|start <name>|stop <name>|status`: real systems for a person to try things on. */
import { asMillraceError, MillraceError } from '../../src/platform/index.ts'
import { artifactDir, isComplete } from './artifacts.ts'
import { missing } from './requirements.ts'
import { allStarted, startForPerson, stopForPerson, type Started } from './started.ts'
import type { System } from './system.ts'
import { systems } from './systems/index.ts'

const usage = `Usage: node tools/engines/main.ts list | start <name> | stop <name> | status
Names: ${[...systems.keys()].join(', ')}`

function list(): void {
  const widest = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length)) + 2
  const all = [...systems.values()]
  const nameWidth = widest(all.map(({ name }) => name))
  const titleWidth = widest(all.map(({ title }) => title))
  for (const system of all) {
    const state = isComplete(artifactDir(system)) ? 'in the cache' : 'comes at the first start'
    console.log(`${system.name.padEnd(nameWidth)}${system.title.padEnd(titleWidth)}${String(system.memoryMb).padStart(5)} MB   ${state}`)
  }
}

function show({ title, pids, address, secretsPath, logs }: Started): void {
  console.log(`${title}: ${address.setting}=${address.value}  (process ${pids.join(', ')})`)
  if (secretsPath !== null) console.log(`  with its secrets: . ${secretsPath}`)
  for (const log of logs) console.log(`  log ${log}`)
}

async function run([command, name]: readonly string[]): Promise<void> {
  switch (command) {
    case 'list':
      return list()
    case 'status': {
      const all = allStarted()
      if (all.length === 0) console.log('none runs')
      return all.forEach(show)
    }
    case 'start': {
      const system = systemNamed(name)
      const lacking = missing(system.name)
      if (lacking !== null) throw new MillraceError('CONFIG_MISSING', lacking)
      return show(await startForPerson(system))
    }
    case 'stop':
      await stopForPerson(systemNamed(name))
      return console.log('stopped')
    default:
      throw new MillraceError('BAD_REQUEST', usage)
  }
}

function systemNamed(name: string | undefined): System {
  const system = systems.get(name ?? '')
  if (!system) throw new MillraceError('BAD_REQUEST', usage)
  return system
}

try {
  await run(process.argv.slice(2))
} catch (error) {
  const failure = asMillraceError(error)
  console.error(failure.message)
  process.exitCode = failure.exitCode
}
