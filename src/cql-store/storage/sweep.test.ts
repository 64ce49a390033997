import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger, systemClock, systemDisk, type Clock } from '../../platform/index.ts'
import { Engine } from './engine.ts'
import { encodeClustering, partitionPrefix, places, tableStart, withPlace } from './keys.ts'
import { decodeDeletions, deletionOver, encodeDeletions, type PartitionDeletions } from './partition-deletions.ts'
import { decodeRow } from './row-codec.ts'
import { RowWriter } from './row-writer.ts'
import { isCellLive, isRowLive, pruneRow } from './row.ts'

let folder = ''
let dataDir = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cql-sweep-'))
  dataDir = join(folder, 'data')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const now = 10_000
const grace = 100
const order = [{ ordering: 'signed' as const, descending: false }]
const prefix = partitionPrefix(1, 7n, Buffer.from('p'))
const clusteringOf = (n: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(n)
  return bytes
}
const placeOf = (n: number): Buffer => encodeClustering(order, [clusteringOf(n)])

/** Time stands still; `sleeps` are counted, and the one numbered `failAt` never ends well. */
function stoppedClock(failAt = Infinity): Clock {
  let sleeps = 0
  return {
    ...systemClock,
    nowMs: () => now * 1000,
    sleep: async () => {
      if (++sleeps === failAt) throw new Error('the process ended')
      await new Promise((resolve) => setImmediate(resolve))
    },
    after: () => () => {},
  }
}

async function open(clock: Clock, from = dataDir): Promise<Engine> {
  const options = {
    dataDir: from,
    disk: systemDisk,
    clock,
    log: silentLogger,
    flush: 'os' as const,
    isLive: () => true,
    gcGraceSeconds: () => grace,
    isStale: () => false,
  }
  return (await Engine.open(options)).engine
}

type Op =
  | { is: 'put'; row: number; at: number; expires: number }
  | { is: 'delete-cell' | 'delete-row'; row: number; at: number; when: number }
  | { is: 'delete-range'; from: number; to: number; at: number; when: number }
  | { is: 'delete-partition'; at: number; when: number }

const when = fc.constantFrom(now - grace - 5, now - 5)
const at = fc.integer({ min: 1, max: 6 })
const place = fc.nat(5)
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant('put' as const),
      row: place,
      at,
      expires: fc.constantFrom(0, 0, now + 50, now - 5, now - grace - 5),
    }),
  },
  fc.record({ is: fc.constantFrom('delete-cell' as const, 'delete-row' as const), row: place, at, when }),
  fc.record({ is: fc.constant('delete-range' as const), from: place, to: place, at, when }),
  fc.record({ is: fc.constant('delete-partition' as const), at, when }),
)

async function carryOut(engine: Engine, each: Op, text = `v${'at' in each ? each.at : ''}`): Promise<void> {
  const { mutations } = engine
  const rows = new RowWriter(mutations)
  mutations.begin()
  const timestamp = BigInt(each.at)
  const deletions = (value: PartitionDeletions): void => {
    mutations.beginRecord(withPlace(prefix, places.deletions))
    encodeDeletions(mutations, value)
    mutations.endRecord()
  }
  if (each.is === 'delete-partition') deletions({ partition: { timestamp, deletedAt: each.when }, ranges: [] })
  else if (each.is === 'delete-range')
    deletions({ partition: null, ranges: [{ timestamp, deletedAt: each.when, start: placeOf(each.from), end: placeOf(each.to) }] })
  else {
    mutations.beginRecord(withPlace(prefix, placeOf(each.row)))
    const clustering = [clusteringOf(each.row)]
    if (each.is === 'put') {
      const ttl = each.expires === 0 ? 0 : 60
      rows.begin({ timestamp, ttl, expiresAt: each.expires }, null, clustering)
      rows.value(2, timestamp, ttl, each.expires, Buffer.from(text))
    } else if (each.is === 'delete-row') rows.begin(null, { timestamp, deletedAt: each.when }, clustering)
    else {
      rows.begin(null, null, clustering)
      rows.cell({ kind: 'tombstone', column: 2, path: null, timestamp, ttl: 0, at: each.when, value: Buffer.alloc(0) })
    }
    rows.end()
    mutations.endRecord()
  }
  await new Promise<void>((committed, refused) => engine.submit({ committed, refused }))
}

function records(engine: Engine): { key: Buffer; record: Buffer }[] {
  return engine.range(tableStart(1), tableStart(2), false, 100_000)
}

/** What a reader sees. */
function seen(engine: Engine): string[] {
  const head = engine.get(withPlace(prefix, places.deletions))
  const deletions = head && decodeDeletions(head)
  return records(engine).flatMap(({ key, record }) => {
    const rowPlace = key.subarray(prefix.length)
    if (rowPlace.length === 1) return []
    const row = pruneRow(decodeRow(record), deletionOver(deletions, rowPlace))
    if (!isRowLive(row, now)) return []
    const cells = row.cells.filter((cell) => isCellLive(cell, now)).map((cell) => Buffer.from(cell.value).toString())
    return [`${rowPlace.toString('hex')} ${String(row.liveness?.timestamp)} ${cells.join()}`]
  })
}

async function reopened(engine: Engine, clock: Clock): Promise<Engine> {
  await engine.close()
  return open(clock)
}

describe('garbage', () => {
  it('goes without anybody seeing it, and goes altogether when its time has come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { maxLength: 14 }), async (ops) => {
        rmSync(dataDir, { recursive: true, force: true })
        const first = await open(stoppedClock())
        for (const each of ops) await carryOut(first, each)
        const engine = await reopened(first, stoppedClock())
        const before = seen(engine)
        expect((await engine.sweep()).ended).toBe('done')
        expect(seen(engine)).toEqual(before)
        expect(await engine.sweep()).toEqual({ ended: 'done', changed: 0 })
        const isRecent = ops.some((each) => ('when' in each ? each.when >= now - grace : each.expires >= now - grace))
        if (!isRecent) expect(records(engine)).toHaveLength(before.length)
        await engine.close()
      }),
      { numRuns: 40 },
    )
  })

  it('is half removed when the process ends, and the rest the next time', async () => {
    const rows = 1_200
    const first = await open(stoppedClock())
    for (let row = 0; row < rows; row++) await carryOut(first, { is: 'put', row, at: 1, expires: 0 })
    await carryOut(first, { is: 'delete-range', from: 100, to: 1_100, at: 2, when: now - grace - 5 })
    const engine = await reopened(first, stoppedClock(2))
    const before = seen(engine)
    expect(before).toHaveLength(200)
    await expect(engine.sweep()).rejects.toThrow('the process ended')
    // A crash: the folder as it is now is opened elsewhere.
    const left = join(folder, 'left')
    cpSync(dataDir, left, { recursive: true })
    await engine.close()
    const after = await open(stoppedClock(), left)
    expect(seen(after)).toEqual(before)
    expect(records(after).length).toBeLessThan(rows)
    await after.sweep()
    expect(seen(after)).toEqual(before)
    expect(records(after)).toHaveLength(200)
    // A late write of an older time than a deletion that is gone is a new row, as in Cassandra.
    await carryOut(after, { is: 'put', row: 500, at: 1, expires: 0 })
    expect(seen(after)).toHaveLength(201)
    await after.close()
  })

  it('goes while writers never pause, and what they write beside it stays as it is', async () => {
    const first = await open(systemClock)
    for (let row = 0; row < 600; row++) await carryOut(first, { is: 'put', row, at: 1, expires: row % 2 ? now - grace - 5 : 0 })
    const engine = await reopened(first, { ...systemClock, nowMs: () => now * 1000 })
    const swept = new AbortController()
    let written = 0
    const writing = (async () => {
      while (!swept.signal.aborted) {
        await carryOut(engine, { is: 'put', row: 10_000 + written++, at: 1, expires: 0 }, 'v'.repeat(100_000))
        // As connections do.
        if (engine.congested) await new Promise<void>((resolve) => engine.relief(resolve))
      }
    })()
    expect((await engine.sweep()).ended).toBe('done')
    swept.abort()
    await writing
    const left = records(engine)
    expect(left).toHaveLength(300 + written)
    await engine.close()
  })

  it('keeps a deletion past its grace while a write that it shadows waits to be applied, or came since its rows were swept', async () => {
    const gone = { is: 'delete-range' as const, from: 0, to: 2_000, at: 5, when: now - grace - 5 }
    const engine = await open(stoppedClock())
    for (let row = 0; row < 700; row++) await carryOut(engine, { is: 'put', row: 3_000 + row, at: 1, expires: 0 })
    await carryOut(engine, gone)
    const applied = await reopened(engine, stoppedClock())
    // Time stands still, so this one waits.
    await carryOut(applied, { is: 'put', row: 7, at: 1, expires: 0 })
    expect((await applied.sweep()).ended).toBe('done')
    expect(seen(applied)).toHaveLength(700)
    const again = await reopened(applied, systemClock)
    const late: Promise<void>[] = []
    const swept = await again.sweep(() => {
      if (late.length === 0) late.push(carryOut(again, { is: 'put', row: 8, at: 1, expires: 0 }))
    })
    await Promise.all(late)
    expect(swept.ended).toBe('done')
    expect(seen(again)).toHaveLength(700)
    await again.close()
  })
})
