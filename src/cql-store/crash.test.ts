import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ByteWriter, writeRequest, type Response } from '../cql-wire/index.ts'
import { childExecArgv } from '../platform/index.ts'
import { plain, RawClient } from './server/raw-client.fixture.ts'
import {
  historyKeyspace,
  historyValues,
  modelOf,
  schemaHistory,
  type HistoryStatement,
  type SchemaModel,
} from './testing/schema-history.ts'

let dataDir = ''
let child: ChildProcess | null = null
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cql-crash-schema-'))
})
afterEach(async () => {
  await kill()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(): Promise<number> {
  const path = fileURLToPath(new URL('testing/killable-tables.ts', import.meta.url))
  const started = spawn(process.execPath, [...childExecArgv, path, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] })
  child = started
  const ended = new Promise<never>((_, reject) => started.once('close', () => reject(new Error('the store did not start'))))
  return Number(await Promise.race([new Promise<Buffer>((resolve) => started.stdout.once('data', resolve)), ended]))
}

async function kill(): Promise<void> {
  const killed = child
  child = null
  if (!killed || killed.exitCode !== null || killed.signalCode !== null) return
  const ended = new Promise((resolve) => killed.once('close', resolve))
  killed.kill('SIGKILL')
  await ended
}

function isDone(answer: Response): boolean {
  if (answer.opcode === 'ERROR') throw new Error(answer.message)
  return true
}

/** Carries statements out, some at a time, until so many are acknowledged; then the store is killed while others are under way. */
async function killedAfter(
  history: readonly HistoryStatement[],
  from: number,
  wanted: number,
): Promise<{ acknowledged: number; submitted: number }> {
  using client = await RawClient.started(await start())
  const answered = new Set<number>()
  let submitted = from
  let acknowledged = from
  while (acknowledged < from + wanted) {
    const out = new ByteWriter()
    for (; submitted < acknowledged + 16; submitted++)
      writeRequest(out, 4, submitted % 1_000, { opcode: 'QUERY', query: history[submitted]?.text ?? '', parameters: plain })
    client.socket.write(out.copy())
    const { response, header } = await client.next()
    // Answers to writes come after their sync, those to changes of the schema at once.
    if (isDone(response)) answered.add(header.stream)
    while (answered.delete(acknowledged % 1_000)) acknowledged++
  }
  await kill()
  return { acknowledged, submitted }
}
async function rowsOf(client: RawClient, query: string): Promise<(string | null)[][]> {
  const answer = await client.query(query)
  if (answer.opcode === 'ERROR') throw new Error(`${query}: ${answer.message}`)
  if (answer.opcode !== 'RESULT' || answer.kind !== 'rows') return []
  return answer.rows.map((row) => row.map((value) => (value === null ? null : Buffer.from(value).toString())))
}

/** All that is there, as text; and what is found by an index is what looking at all rows finds. */
async function stateOf(client: RawClient): Promise<string> {
  const state: Record<string, unknown> = {}
  const where = `WHERE keyspace_name = '${historyKeyspace}'`
  const indexed = (await rowsOf(client, `SELECT table_name FROM system_schema.indexes ${where}`)).map(([name]) => name)
  for (const [name] of await rowsOf(client, `SELECT table_name FROM system_schema.tables ${where}`)) {
    const table = `${historyKeyspace}.${name}`
    const columns = await rowsOf(client, `SELECT column_name FROM system_schema.columns ${where} AND table_name = '${name}'`)
    const rows = (await rowsOf(client, `SELECT JSON * FROM ${table}`)).map(([json]) => json ?? '')
    for (let v = 0; indexed.includes(name ?? '') && v < historyValues; v++) {
      const found = await rowsOf(client, `SELECT JSON * FROM ${table} WHERE v = ${v}`)
      expect(found.map(([json]) => json)).toEqual(rows.filter((json) => json.includes(`"v": ${v}`)))
    }
    state[name ?? ''] = {
      columns: columns.map(([column]) => column ?? '').toSorted((a, b) => (a < b ? -1 : 1)),
      indexed: indexed.includes(name ?? ''),
      rows: rows.toSorted(),
    }
  }
  return JSON.stringify(state)
}

/** The same of a model. */
function shown(model: SchemaModel): string {
  const tables = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const state = tables.map(([name, { columns, indexed, rows }]) => {
    const sorted = columns.toSorted()
    const lines = [...rows].map(
      ([k, row]) => `{${[`"k": ${k}`, ...sorted.map((each) => `"${each}": ${row.get(each) ?? null}`)].join(', ')}}`,
    )
    return [name, { columns: ['k', ...sorted], indexed, rows: lines.toSorted() }]
  })
  return JSON.stringify(Object.fromEntries(state))
}

const rounds = Number(process.env.MILLRACE_KILL_ROUNDS ?? 2)
const seed = Number(process.env.MILLRACE_KILL_SEED ?? 1)

it(
  `a store that is killed holds a beginning of its history, changes of the schema among it, and its indexes answer for that (seed ${seed})`,
  { timeout: 120_000 + rounds * 20_000 },
  async () => {
    const history = schemaHistory(seed, rounds * 400 + 100)
    {
      using client = await RawClient.started(await start())
      isDone(
        await client.query(`CREATE KEYSPACE ${historyKeyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`),
      )
    }
    await kill()
    let steps = 0
    for (let round = 0; round < rounds; round++) {
      const { acknowledged, submitted } = await killedAfter(history, steps, 40 + ((seed * 7 + round * 271) % 260))
      using client = await RawClient.started(await start())
      const state = await stateOf(client)
      let found = submitted
      while (found >= acknowledged && shown(modelOf(history, found)) !== state) found--
      if (found < acknowledged) expect(state).toBe(shown(modelOf(history, acknowledged)))
      steps = found
      await kill()
    }
    expect(steps).toBeGreaterThan(rounds * 40)
  },
)
