import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childExecArgv, siblingPath } from '../../src/platform/index.ts'
import type { KafkaEngine } from '../../tools/engines/index.ts'

export type KillableBroker = Pick<KafkaEngine, 'bootstrapServers' | 'kill' | 'restart'> & AsyncDisposable

const killableBroker = siblingPath(import.meta.url, '../../src/broker/testing/killable-broker')

/** Our broker in a process of its own, which can be killed. */
export async function startKillableBroker(): Promise<KillableBroker> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-killable-'))
  let child: ChildProcess | null = null
  let address = '127.0.0.1:0'
  const restart = async (): Promise<void> => {
    const port = address.slice(address.indexOf(':') + 1)
    child = spawn(process.execPath, [...childExecArgv, killableBroker, dataDir, port], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line]: unknown[] = await once(child.stdout ?? child, 'data')
    address = String(line).split(' ')[0] ?? ''
  }
  const kill = async (): Promise<void> => {
    const ended = child && once(child, 'exit')
    child?.kill('SIGKILL')
    await ended
  }
  await restart()
  return {
    bootstrapServers: address,
    kill,
    restart,
    [Symbol.asyncDispose]: async () => {
      await kill()
      rmSync(dataDir, { recursive: true })
    },
  }
}
