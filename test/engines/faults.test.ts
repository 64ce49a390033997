import { afterAll, beforeAll, expect, test } from 'vitest'
import { lineOf } from '../faults/report.ts'
import { runFault } from '../faults/run.ts'
import { scenarios, type Scenario } from '../faults/scenarios.ts'
import { startSystem, type System, type SystemName } from '../faults/systems.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { findTool } from '../harness/tools.ts'
import { describeOn } from './available.ts'

/** A sample of `npm run soak`: fewer users, shorter faults, and a few of the scenarios, which the seed chooses. */
const seed = Number(process.env.MILLRACE_FAULT_SEED ?? 1)
const USERS = 5_000
const POISON = 25
const FAULT_MS = 8_000
/** On an idle machine it takes two or three; this is no measurement, only the difference between going on and having to be helped. */
const RESUMES_WITHIN_S = 60
const MOST_MEMORY_MB = 500

const kcat = findTool('kcat', 'MILLRACE_KCAT')
const systems: { name: SystemName; judges: readonly string[]; always: readonly string[]; drawn: number }[] = [
  { name: 'embedded', judges: [], always: [], drawn: 2 },
  { name: 'kafka4', judges: ['kafka4', 'cassandra5'], always: ['Cassandra killed, away 34 s'], drawn: 1 },
  { name: 'kafka3', judges: ['kafka3', 'cassandra5'], always: ['broker killed, away 5 s'], drawn: 0 },
]

for (const { name, judges, always, drawn } of systems) {
  describeOn(judges, `faults on ${name}`, () => {
    let system: System
    beforeAll(async () => {
      system = await startSystem(name)
    }, 600_000)
    afterAll(async () => {
      await system[Symbol.asyncDispose]()
    })

    const random = seededRandom(seed)
    const others = scenarios.filter((scenario) => !always.includes(scenario.name) && scenario.systems.includes(name))
    const sample: Scenario[] = [
      ...scenarios.filter((scenario) => always.includes(scenario.name)),
      ...Array.from({ length: drawn }, () => others.splice(Math.floor(random() * others.length), 1)).flat(),
    ]

    const goesOn = `$name (MILLRACE_FAULT_SEED=${seed}): it goes on by itself and loses nothing`
    test.skipIf(kcat === null).each(sample)(goesOn, { timeout: 300_000 }, async (scenario) => {
      const run = await runFault(system, scenario, { kcat: kcat ?? '', users: USERS, poison: POISON, faultMs: FAULT_MS, seed })
      console.log(lineOf(run))
      expect(run).toMatchObject({ failure: null, lost: 0, examples: [] })
      expect(run.resumedAfterS ?? 0).toBeLessThan(RESUMES_WITHIN_S)
      expect(Math.max(run.memoryMb.before, run.memoryMb.after)).toBeLessThan(MOST_MEMORY_MB)
    })
  })
}
