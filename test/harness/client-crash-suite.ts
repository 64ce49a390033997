import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { ConsumingUnderTest } from './client-consume-suite.ts'
import { users } from './client-pipeline.ts'

const COUNT = 1_200
const KEYS = 24
const KILLS = 2

export function judgeClientCrash(under: ConsumingUnderTest): void {
  test(
    'a service that is killed and started again has handled each record, those of a key in their order',
    { timeout: 240_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-client-crash-'))
      const file = join(folder, 'handled')
      const lines = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [])
      let child: ChildProcess | null = null
      const start = (): void => {
        child = startService(under, file)
      }
      const kill = async (): Promise<void> => {
        const running = child
        child = null
        if (running === null) return
        const ended = new Promise((resolve) => running.once('close', resolve))
        running.kill('SIGKILL')
        await ended
      }
      try {
        const client = await under.open()
        const values = Array.from({ length: COUNT }, (_, i) => ({
          id: `crash-${i % KEYS}`,
          version: Math.floor(i / KEYS),
          email: 'a@example.org',
        }))
        await client.produce(users, values)
        for (let kills = 1; kills <= KILLS; kills++) {
          const before = lines().length
          start()
          await vi.waitFor(() => expect(lines().length).toBeGreaterThan(before + 100), { timeout: 60_000, interval: 5 })
          await kill()
        }
        start()
        const wanted = new Set(values.map(({ id, version }) => `${id} ${version}`))
        await vi.waitFor(() => expect(new Set(lines()).size).toBe(wanted.size), { timeout: 90_000, interval: 20 })
        await kill()
        expect(new Set(lines())).toEqual(wanted)
        expect(outOfOrder(lines())).toEqual([])
      } finally {
        await kill()
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
}

/** A version is seen first only when all before it were. */
function outOfOrder(lines: readonly string[]): string[] {
  const seen = new Map<string, number>()
  return lines.filter((line) => {
    const [id = '', version = ''] = line.split(' ')
    const next = seen.get(id) ?? 0
    if (Number(version) === next) seen.set(id, next + 1)
    return Number(version) > next
  })
}

function startService(under: ConsumingUnderTest, file: string): ChildProcess {
  const { kafka, registry, cassandra } = under.systems()
  const env = {
    ...process.env,
    MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafka,
    MILLRACE_REGISTRY_URL: registry,
    MILLRACE_CASSANDRA_CONTACT_POINTS: cassandra,
  }
  const args = ['--conditions=millrace-source', join(import.meta.dirname, 'client-process.ts'), file, 'crash']
  return spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
}
