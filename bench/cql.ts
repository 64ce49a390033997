/**
 * The table store beside real Cassandra 5, the same clients and the reference job's 12-column row, by turns.
 * Usage: node bench/cql.ts [rows] [rounds] [millrace|both] [table rows]. Prints what each round found, then minimum and median; asserts
 * nothing. With `table rows` the table is filled up to so many after the rounds (a million, say), scanned, and memory is read then.
 * With MILLRACE_BENCH_PROFILE=<folder> the store writes a CPU profile there.
 */
import { createTable, insertByClient, insertByDriver, insertLean, readByDriver, readLean, scanLean } from './cql/load.ts'
import { startCassandra5, startStore, type Server } from './cql/servers.ts'

const [rowsText = '100000', roundsText = '3', which = 'both', tableRowsText = '0'] = process.argv.slice(2)
const rows = Number(rowsText)
const rounds = Number(roundsText)
const tableRows = Number(tableRowsText)

interface Figure {
  perSecond: number
  /** CPU seconds of the server for 100,000 rows or requests. */
  serverCpu: number
  p50Ms?: number
  p99Ms?: number
}

const found = new Map<string, Map<string, Figure[]>>()

async function measure(server: Server, what: string, count: number, run: () => Promise<Float64Array | number | void>): Promise<void> {
  const cpuBefore = server.cpuSeconds()
  const startedMs = performance.now()
  const took = await run()
  const seconds = (performance.now() - startedMs) / 1000
  const figure: Figure = { perSecond: count / seconds, serverCpu: ((server.cpuSeconds() - cpuBefore) / count) * 100_000 }
  if (took instanceof Float64Array) {
    figure.p50Ms = took[took.length >> 1] ?? 0
    figure.p99Ms = took[Math.floor(took.length * 0.99)] ?? 0
  }
  const ofServer = found.get(what) ?? new Map<string, Figure[]>()
  found.set(what, ofServer)
  ofServer.set(server.name, [...(ofServer.get(server.name) ?? []), figure])
  console.log(`${server.name.padEnd(12)}${what.padEnd(40)}${shown(figure)}`)
}

function shown({ perSecond, serverCpu, p50Ms, p99Ms }: Figure): string {
  const times = p50Ms === undefined ? '' : `, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms?.toFixed(2)} ms`
  return `${Math.round(perSecond).toString().padStart(8)}/s, server ${serverCpu.toFixed(2)} CPU s per 100,000${times}`
}

async function round(server: Server, n: number): Promise<void> {
  const { contactPoint } = server
  const from = n * 2 * rows
  await measure(server, 'insert, cql-client', rows, () => insertByClient(contactPoint, from, from + rows))
  await measure(server, 'insert the same keys again, cql-client', rows, () => insertByClient(contactPoint, from, from + rows))
  await measure(server, 'insert, cassandra-driver', rows, () => insertByDriver(contactPoint, from + rows, from + 2 * rows))
  await measure(server, 'insert, 32 in flight', rows >> 2, () => insertLean(contactPoint, from, rows >> 2, 32))
  await measure(server, 'read one row, 512 in flight', rows, () => readLean(contactPoint, rows, from + 2 * rows, 512))
  await measure(server, 'read one row, 32 in flight', rows >> 2, () => readLean(contactPoint, rows >> 2, from + 2 * rows, 32))
  await measure(server, 'read one row, cassandra-driver', rows >> 1, () => readByDriver(contactPoint, rows >> 1, from + 2 * rows))
  await measure(server, 'scan all rows', from + 2 * rows, () => scanLean(contactPoint))
}

async function fillUp(server: Server): Promise<void> {
  const { contactPoint } = server
  const from = rounds * 2 * rows
  if (from >= tableRows) return
  await measure(server, 'insert up to the size, cql-client', tableRows - from, () => insertByClient(contactPoint, from, tableRows))
  await measure(server, 'scan the table at its size', tableRows, async () => {
    const found = await scanLean(contactPoint)
    if (found !== tableRows) throw new Error(`the scan found ${found} of ${tableRows} rows`)
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function summary(): void {
  console.log('\nmedians'.padEnd(42) + 'server: per second, CPU s per 100,000 (least), p99 ms')
  for (const [what, servers] of found) {
    const parts = [...servers].map(([name, figures]) => {
      const cpu = figures.map(({ serverCpu }) => serverCpu)
      const p99 = figures[0]?.p99Ms === undefined ? '' : `, p99 ${median(figures.map(({ p99Ms = 0 }) => p99Ms)).toFixed(1)}`
      return `${name}: ${Math.round(median(figures.map(({ perSecond }) => perSecond)))}/s, ${median(cpu).toFixed(2)} (${Math.min(...cpu).toFixed(2)})${p99}`
    })
    const [ours, theirs] = [...servers.values()]
    const ratio = ours && theirs ? median(theirs.map((figure, i) => figure.serverCpu / (ours[i]?.serverCpu ?? 1))) : null
    console.log(`${what.padEnd(42)}${parts.join('   ')}${ratio === null ? '' : `   CPU ratio ${ratio.toFixed(1)}`}`)
  }
}

await using stack = new AsyncDisposableStack()
const servers = [stack.use(await startStore()), ...(which === 'both' ? [stack.use(await startCassandra5())] : [])]
for (const server of servers) await createTable(server.contactPoint)
for (let n = 0; n < rounds; n++) for (const server of servers) await round(server, n)
for (const server of servers) await fillUp(server)
summary()
for (const server of servers) {
  console.log(`${server.name}: ${server.rssMegabytes().toFixed(0)} MB RSS; start with the data ${(await server.restart()).toFixed(2)} s`)
}
