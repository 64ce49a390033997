import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { childExecArgv, silentLogger, systemClock, systemDisk, type Clock, type Disk } from '../../platform/index.ts'
import { historyPrefix, modelAfter, stepOf, writeStep } from '../testing/history.ts'
import { Engine } from './engine.ts'
import { afterPrefix } from './keys.ts'
import { decodeRow } from './row-codec.ts'
import { isRowLive } from './row.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cql-crash-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function open(dataDir: string, clock: Clock, disk: Disk = systemDisk): Promise<Engine> {
  const options = { dataDir, disk, clock, log: silentLogger, flush: 'sync' as const, logFileBytes: 16 * 1024 }
  return (await Engine.open({ ...options, isLive: () => true, gcGraceSeconds: () => 1, isStale: () => false })).engine
}

function rowsIn(engine: Engine): Map<number, string> {
  const found = new Map<number, string>()
  for (const { record } of engine.range(historyPrefix, afterPrefix(historyPrefix), false, 10_000)) {
    const row = decodeRow(record)
    const [clustering] = row.clustering
    if (clustering && isRowLive(row, 10))
      found.set(Buffer.from(clustering).readInt32BE(0), Buffer.from(row.cells[0]?.value ?? []).toString())
  }
  return found
}

/** How many steps of the history are there: all before and none after. At least `acknowledged`, at most `submitted`. */
function stepsIn(engine: Engine, seed: number, acknowledged: number, submitted: number): number {
  const inOrder = (rows: Map<number, string>): [number, string][] => [...rows].sort(([a], [b]) => a - b)
  const found = inOrder(rowsIn(engine))
  for (let count = submitted; count >= acknowledged; count--) {
    if (JSON.stringify(inOrder(modelAfter(seed, count))) === JSON.stringify(found)) return count
  }
  expect(found).toEqual(inOrder(modelAfter(seed, acknowledged)))
  throw new Error('no beginning of the history')
}

/** Runs a child on the folder until it has acknowledged some steps, then kills it. @returns the steps acknowledged */
async function killedAfter(dataDir: string, seed: number, first: number, wanted: number): Promise<number> {
  const path = fileURLToPath(new URL('../testing/killable-store.ts', import.meta.url))
  const args = [...childExecArgv, path, dataDir, String(seed), String(first)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.split('\n').length > wanted) child.kill('SIGKILL')
  })
  await ended
  const acknowledged = new Set(text.split('\n').slice(1, -1).map(Number))
  let next = first
  while (acknowledged.has(next)) next++
  return next
}

const mostInFlight = 16

describe('the storage engine', () => {
  const rounds = Number(process.env.MILLRACE_KILL_ROUNDS ?? 3)
  const seed = Number(process.env.MILLRACE_KILL_SEED ?? 1)
  it(
    `holds a beginning of its history, all that was acknowledged in it, over ${rounds} kills (seed ${seed})`,
    { timeout: 60_000 + rounds * 4_000 },
    async () => {
      const dataDir = join(folder, 'data')
      let steps = 0
      for (let round = 0; round < rounds; round++) {
        const acknowledged = await killedAfter(dataDir, seed, steps, 30 + ((seed * 7 + round * 271) % 900))
        const engine = await open(dataDir, systemClock)
        steps = stepsIn(engine, seed, acknowledged, acknowledged + mostInFlight)
        await engine.close()
      }
      expect(steps).toBeGreaterThan(rounds * 30)
      // What was deleted and written over takes no room: 60 rows of at most 2 kB.
      expect(systemDisk.list(`${dataDir}/commitlog`).length).toBeLessThan(20)
    },
  )

  it('holds a beginning of its history, all that was acknowledged in it, after power is lost at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1_000),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 }),
        fc.nat(400),
        fc.constantFrom('lost', 'zeros', 'garbage'),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (seed, groups, failAt, tear, part) => {
          const dataDir = join(folder, 'data')
          const image = join(folder, 'image')
          for (const each of [dataDir, image]) rmSync(each, { recursive: true, force: true })
          const power = new PowerLoss(failAt)
          // Time stands still: nothing is applied, all is in the log.
          const engine = await open(dataDir, { ...systemClock, after: () => () => {} }, power.disk)
          let submitted = 0
          let acknowledged = 0
          for (const size of groups) {
            const group = Array.from({ length: size }, () => writeStep(engine, stepOf(seed, submitted++)))
            const results = await Promise.allSettled(group)
            if (results.some(({ status }) => status === 'rejected')) break
            acknowledged = submitted
          }
          cpSync(dataDir, image, { recursive: true })
          await engine.close()
          power.tear(dataDir, image, tear, part)
          const after = await open(image, systemClock)
          stepsIn(after, seed, acknowledged, submitted)
          await after.close()
        },
      ),
      { numRuns: 25 },
    )
  })
})

/** A disk whose syncs fail from one on, as when power is about to go; it knows what was synced before. */
class PowerLoss {
  readonly #synced = new Map<string, number>()
  #syncs = 0
  readonly #failAt: number
  readonly disk: Disk

  constructor(failAt: number) {
    this.#failAt = failAt
    this.disk = {
      ...systemDisk,
      open: (path, options) => {
        const file = systemDisk.open(path, options)
        return {
          ...file,
          datasync: async () => {
            const size = file.sizeBytes()
            if (this.#syncs++ >= this.#failAt % 12) throw new Error('power is going')
            await file.datasync()
            this.#synced.set(path, size)
          },
        }
      },
    }
  }

  /** Of what was not synced, a part arrived, and behind it nothing, zeros or anything. */
  tear(dataDir: string, image: string, how: 'lost' | 'zeros' | 'garbage', part: number): void {
    for (const name of systemDisk.list(`${image}/commitlog`)) {
      const path = `${image}/commitlog/${name}`
      const file = systemDisk.open(path, { create: false })
      const size = file.sizeBytes()
      const synced = this.#synced.get(`${dataDir}/commitlog/${name}`) ?? 0
      const kept = synced + Math.floor((size - synced) * part)
      if (how !== 'lost') file.write([Buffer.alloc(size - kept, how === 'zeros' ? 0 : 0xa5)], kept)
      file.close()
      if (how === 'lost') truncateSync(path, kept)
    }
  }
}
