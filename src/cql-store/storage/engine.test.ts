import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MillraceError, silentLogger, systemClock, systemDisk, type Disk, type DiskFile } from '../../platform/index.ts'
import { Engine } from './engine.ts'
import { partitionPrefix, places, withPlace } from './keys.ts'
import { decodeRow } from './row-codec.ts'
import { RowWriter } from './row-writer.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-engine-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

/** A disk whose log files can lose what was not synced, refuse writes, or fail to sync. */
class FaultyDisk {
  readonly synced = new Map<string, number>()
  writeFault: MillraceError | null = null
  syncFault: MillraceError | null = null

  readonly disk: Disk = {
    ...systemDisk,
    open: (path, options) => this.#wrap(systemDisk.open(path, options)),
  }

  #wrap(file: DiskFile): DiskFile {
    return {
      ...file,
      write: (buffers, position) => {
        if (this.writeFault) {
          // Half of it arrives all the same.
          const first = buffers[0]
          if (first) file.write([first.subarray(0, first.length >> 1)], position)
          throw this.writeFault
        }
        file.write(buffers, position)
      },
      datasync: async () => {
        if (this.syncFault) throw this.syncFault
        const size = file.sizeBytes()
        await file.datasync()
        this.synced.set(file.path, size)
      },
    }
  }

  /** What power loss leaves of a log: everything synced, and of the rest `keptBytes`. */
  tear(path: string, keptBytes: number): void {
    const synced = this.synced.get(path) ?? 0
    truncateSync(path, Math.min(statSync(path).size, synced + keptBytes))
  }
}

async function open(disk: Disk = systemDisk): Promise<Awaited<ReturnType<typeof Engine.open>>> {
  return Engine.open({
    dataDir,
    disk,
    clock: systemClock,
    log: silentLogger,
    flush: 'sync',
    isLive: () => true,
    gcGraceSeconds: () => 0,
    isStale: () => false,
  })
}

function keyOf(i: number): Buffer {
  return withPlace(partitionPrefix(1, BigInt(i), Buffer.from(String(i))), places.onlyRow)
}

function put(engine: Engine, i: number, value: string, timestamp = 1n): Promise<void> {
  const rows = new RowWriter(engine.mutations)
  engine.mutations.begin()
  engine.mutations.beginRecord(keyOf(i))
  rows.begin({ timestamp, ttl: 0, expiresAt: 0 }, null, [])
  rows.value(0, timestamp, 0, 0, Buffer.from(value))
  rows.end()
  engine.mutations.endRecord()
  return new Promise((committed, refused) => engine.submit({ committed, refused }))
}

function valueAt(engine: Engine, i: number): string | null {
  const record = engine.get(keyOf(i))
  return record ? Buffer.from(decodeRow(record).cells[0]?.value ?? []).toString() : null
}

function count(engine: Engine): number {
  return engine.range(keyOf(0), keyOf(1_000_000), false, 10_000).length
}

describe('the storage engine', () => {
  it('keeps what it answered over a crash, read from the log, and over a close, read from LMDB', async () => {
    const first = await open()
    await Promise.all(Array.from({ length: 500 }, (_, i) => put(first.engine, i, `v${i}`)))
    expect(valueAt(first.engine, 42)).toBe('v42')
    // A crash: the folder as it is now is opened again.
    const second = await open()
    expect(second.mutations).toBeGreaterThan(0)
    expect(count(second.engine)).toBe(500)
    await second.engine.close()
    const third = await open()
    expect(third.mutations).toBe(0)
    expect(valueAt(third.engine, 499)).toBe('v499')
    await third.engine.close()
  })

  it('closes while a writer goes on with each answer, as the building of an index does', async () => {
    const { engine } = await open()
    let written = 0
    const goOn = async (): Promise<void> => {
      while (written < 200 && !engine.refusal()) await put(engine, ++written, 'v')
    }
    const ended = goOn()
    await engine.close()
    await ended
    expect(written).toBeLessThan(10)
  })

  it('leaves what is stored as it is when late writes of an older time are applied', async () => {
    const long = (i: number): string => `new ${i} `.repeat(40)
    const first = await open()
    await Promise.all(Array.from({ length: 300 }, (_, i) => put(first.engine, i, long(i), 2n)))
    await first.engine.close()
    const second = await open()
    await Promise.all(Array.from({ length: 300 }, (_, i) => put(second.engine, i, 'old', 1n)))
    await second.engine.close()
    const third = await open()
    expect(Array.from({ length: 300 }, (_, i) => valueAt(third.engine, i))).toEqual(Array.from({ length: 300 }, (_, i) => long(i)))
    await third.engine.close()
  })

  it.each([0, 1, 7, 8, 9, 30, 60])('loses nothing answered when power fails %i bytes into an unsynced group', async (kept) => {
    const faulty = new FaultyDisk()
    const { engine } = await open(faulty.disk)
    for (let i = 0; i < 20; i++) await put(engine, i, `v${i}`)
    faulty.syncFault = new MillraceError('DISK_FAILED', 'power is going')
    await expect(put(engine, 20, 'never answered')).rejects.toMatchObject({ code: 'DISK_FAILED' })
    for (const path of faulty.synced.keys()) faulty.tear(path, kept)
    const after = await open()
    expect(Array.from({ length: 20 }, (_, i) => valueAt(after.engine, i))).toEqual(Array.from({ length: 20 }, (_, i) => `v${i}`))
    expect(after.cutBytes).toBe(kept)
    await put(after.engine, 21, 'goes on')
    expect(valueAt(after.engine, 21)).toBe('goes on')
    await after.engine.close()
  })

  it('refuses writes while the disk is full, goes on reading, and writes again when there is room', async () => {
    const faulty = new FaultyDisk()
    const { engine } = await open(faulty.disk)
    await put(engine, 1, 'before')
    faulty.writeFault = new MillraceError('DISK_FULL', 'no room')
    await expect(put(engine, 2, 'lost')).rejects.toMatchObject({ code: 'DISK_FULL', retriable: true })
    expect(valueAt(engine, 1)).toBe('before')
    expect(valueAt(engine, 2)).toBeNull()
    faulty.writeFault = null
    await put(engine, 3, 'after')
    await engine.close()
    const again = await open()
    expect([valueAt(again.engine, 1), valueAt(again.engine, 2), valueAt(again.engine, 3)]).toEqual(['before', null, 'after'])
    expect(again.cutBytes).toBe(0)
    await again.engine.close()
  })

  it('takes no more writes after a failed fsync, and says so', async () => {
    const faulty = new FaultyDisk()
    const { engine } = await open(faulty.disk)
    let reported: MillraceError | null = null
    engine.onFailed = (error) => {
      reported = error
    }
    faulty.syncFault = new MillraceError('DISK_FAILED', 'EIO')
    await expect(put(engine, 1, 'x')).rejects.toMatchObject({ code: 'DISK_FAILED' })
    faulty.syncFault = null
    await expect(put(engine, 2, 'y')).rejects.toMatchObject({ code: 'DISK_FAILED' })
    expect(reported).toMatchObject({ code: 'DISK_FAILED' })
    await engine.close()
  })

  it('reports damage in the middle of the log instead of dropping what comes after', async () => {
    const { engine } = await open()
    await put(engine, 1, 'x')
    const log = join(dataDir, 'commitlog')
    const [name = ''] = systemDisk.list(log)
    const file = systemDisk.open(join(log, name), { create: false })
    file.write([Uint8Array.of(0xff)], 20)
    file.close()
    // A later file exists, so this one cannot be torn.
    systemDisk.replaceFile(join(log, '0000000009.log'), systemDisk.readFile(join(log, name)).subarray(0, 8))
    await expect(open()).rejects.toMatchObject({ code: 'DATA_CORRUPT' })
  })
})
