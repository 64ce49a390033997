import { benchFirstRow } from './first-row.ts'
import { benchMemory } from './memory.ts'
import { benchReload } from './reload.ts'
import { benchTestingKit } from './testing-kit.ts'
import { benchThroughput } from './throughput.ts'

// npm run bench [first-row] [reload] [memory] [throughput] [testing-kit]: prints figures, asserts nothing. Aims stand beside them.
const asked = process.argv.slice(2)
const wanted = (name: string): boolean => asked.length === 0 || asked.includes(name)

if (wanted('first-row')) {
  const seconds = (await benchFirstRow()).toSorted((a, b) => a - b)
  console.log(
    `start to first row: min ${seconds[0]?.toFixed(2)} s, median ${seconds[Math.floor(seconds.length / 2)]?.toFixed(2)} s, max ${seconds.at(-1)?.toFixed(2)} s (aim ≤ 3 s)`,
  )
}
if (wanted('reload')) {
  const ms = (await benchReload()).toSorted((a, b) => a - b)
  console.log(
    `save to reload: min ${ms[0]?.toFixed(0)} ms, median ${ms[Math.floor(ms.length / 2)]?.toFixed(0)} ms, max ${ms.at(-1)?.toFixed(0)} ms (aim ≤ 500 ms)`,
  )
}
if (wanted('memory')) {
  const usage = await benchMemory()
  const total = usage.reduce((sum, { megabytes }) => sum + megabytes, 0)
  console.log(
    `PSS while the job runs: ${total.toFixed(0)} MB (aim ≤ 250 MB): ${usage.map(({ role, megabytes }) => `${role} ${megabytes.toFixed(0)}`).join(', ')}`,
  )
}
if (wanted('throughput')) {
  const result = await benchThroughput(Number(process.env.MILLRACE_BENCH_RECORDS ?? 500_000))
  console.log(
    `topic → table: ${Math.round(result.recordsPerSecond)} records/s, ${result.records} records in ${result.seconds.toFixed(1)} s (aim ≥ 50000/s)`,
  )
  console.log(`CPU s per 100,000: ${result.cpuPer100k.map(({ role, seconds }) => `${role} ${seconds.toFixed(2)}`).join(', ')}`)
}
if (wanted('testing-kit')) {
  for (const [name, runs] of benchTestingKit()) {
    const ms = runs.toSorted((a, b) => a - b)
    console.log(
      `${name}: min ${ms[0]?.toFixed(0)} ms, median ${ms[Math.floor(ms.length / 2)]?.toFixed(0)} ms (aim: a stream < 1 s, a server < 300 ms)`,
    )
  }
}
