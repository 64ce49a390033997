import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { silentLogger, systemClock, systemDisk } from '../../platform/index.ts'
import { Engine } from './engine.ts'
import { partitionPrefix, places, withPlace } from './keys.ts'
import { RowWriter } from './row-writer.ts'
import { SortedStore } from './sorted-store.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-behind-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(dataDir, { recursive: true, force: true })
})

const value = Buffer.alloc(256 * 1024, 'v')
const mostWrites = 400

function put(engine: Engine, i: number): Promise<void> {
  const rows = new RowWriter(engine.mutations)
  engine.mutations.begin()
  engine.mutations.beginRecord(keyOf(i))
  rows.begin({ timestamp: 1n, ttl: 0, expiresAt: 0 }, null, [])
  rows.value(0, 1n, 0, 0, value)
  rows.end()
  engine.mutations.endRecord()
  return new Promise((committed, refused) => engine.submit({ committed, refused }))
}

function keyOf(i: number): Buffer {
  return withPlace(partitionPrefix(1, BigInt(i), Buffer.from(String(i))), places.onlyRow)
}

it('refuses writes and says so while the sorted store cannot be written and memory is full, and takes them when it can be again', async () => {
  const said: string[] = []
  const tell = (level: string) => (message: string) => void said.push(`${level} ${message}`)
  const { engine } = await Engine.open({
    dataDir,
    disk: systemDisk,
    // Tries again soon.
    clock: { ...systemClock, sleep: (ms) => systemClock.sleep(Math.min(ms, 5)) },
    log: { ...silentLogger, error: tell('error'), warn: tell('warn'), info: tell('info') },
    flush: 'os',
    isLive: () => true,
    gcGraceSeconds: () => 0,
    isStale: () => false,
  })
  const apply = vi.spyOn(SortedStore.prototype, 'apply').mockRejectedValue(new Error('MDB_MAP_FULL'))
  let written = 0
  const writeOn = async (): Promise<void> => {
    while (written < mostWrites) {
      if (engine.congested) await new Promise<void>((resolve) => engine.relief(resolve))
      await put(engine, written)
      written++
    }
  }
  const refused: unknown = await writeOn().catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('MDB_MAP_FULL') })
  // What a client may fill is bounded: the one that waits to be applied, and the next.
  expect(written * value.length).toBeLessThan(24 * 1024 * 1024)
  expect(engine.get(keyOf(0))).not.toBeNull()
  expect(said.filter((line) => line.startsWith('error'))).toEqual([expect.stringContaining('The sorted store cannot be written')])
  apply.mockRestore()
  await expect.poll(() => engine.refusal(), { timeout: 60_000 }).toBeNull()
  await put(engine, mostWrites)
  expect(said.at(-1)).toBe('info the sorted store is written again')
  expect(Array.from({ length: written }, (_, i) => engine.get(keyOf(i))?.length).every((length) => (length ?? 0) > value.length)).toBe(true)
  await engine.close()
})
