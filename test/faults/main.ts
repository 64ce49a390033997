/** `npm run soak [-- embedded|kafka4|kafka3 …]`: every fault on every system (or those named) in full, and a table of what came of it. */
import { findTool } from '../harness/tools.ts'
import { lineOf, resultOf, tableOf } from './report.ts'
import { runFault, type FaultRun } from './run.ts'
import { scenarios } from './scenarios.ts'
import { startSystem, systemNames } from './systems.ts'

const kcat = findTool('kcat', 'MILLRACE_KCAT')
if (kcat === null) throw new Error('The soak reads topics by kcat: install it.')
const {
  MILLRACE_SOAK_USERS = '50000',
  MILLRACE_SOAK_FAULT_SECONDS = '30',
  MILLRACE_FAULT_SEED = '1',
  MILLRACE_SOAK_SCENARIO = '',
} = process.env
const chosen = new RegExp(MILLRACE_SOAK_SCENARIO)
const asked = process.argv.slice(2)
/** The last scenario depends on its seed: more than one is run. */
const SEEDS_OF_EVERYTHING = 3

const runs: FaultRun[] = []
for (const name of systemNames) {
  if (asked.length > 0 && !asked.includes(name)) continue
  await using system = await startSystem(name)
  for (const scenario of scenarios) {
    if (!scenario.systems.includes(name) || !chosen.test(scenario.name)) continue
    const first = Number(MILLRACE_FAULT_SEED)
    const seeds = scenario.name === 'everything at once' ? Array.from({ length: SEEDS_OF_EVERYTHING }, (_, at) => first + at) : [first]
    for (const seed of seeds) {
      const options = { kcat, users: Number(MILLRACE_SOAK_USERS), poison: 25, faultMs: Number(MILLRACE_SOAK_FAULT_SECONDS) * 1_000, seed }
      const run = await runFault(system, scenario, options)
      runs.push(run)
      console.log(lineOf(run))
    }
  }
}
console.log(`\n${tableOf(runs)}`)
process.exitCode = runs.some((run) => resultOf(run) !== 'ok') ? 1 : 0
