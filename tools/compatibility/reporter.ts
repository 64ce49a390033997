import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { format, resolveConfig } from 'prettier'
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node'
import { systems } from '../engines/systems/index.ts'
import { addAskedFacts, formatFacts, hasRun, mergeFacts, parseFacts, ranWhenAsked, type SuiteFacts } from './facts.ts'
import { compatibilityPage } from './page.ts'

const root = join(import.meta.dirname, '../..')
const dataPath = join(root, 'docs/compatibility.json')
const pagePath = join(root, 'docs/compatibility.md')

/** Prints how long each file of tests took, slowest first; writes docs/compatibility.md and the data it is made of. */
export class CompatibilityReporter implements Reporter {
  #vitest: Vitest | null = null

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    printTimes(modules)
    const unjudged = modules.flatMap((module) => [...module.children.allTests()].filter((test) => judgedSuiteOf(test).type === 'module'))
    if (unjudged.length > 0) {
      console.error(`\nNo judge is named (describeOn, judgedBy) for:\n${unjudged.map(({ fullName }) => `  ${fullName}`).join('\n')}`)
      process.exitCode = 1
    }
    // Those of nobody else (`describeOn([], …)`) are no matter of compatibility.
    const judged = modules.flatMap(factsOf).filter(({ judges }) => judges.length > 0)
    const before = existsSync(dataPath) ? parseFacts(readFileSync(dataPath, 'utf8')) : []
    const obstacle = await this.#whyPartial(modules, judged)
    if (obstacle !== null) {
      console.log(`\nOf docs/compatibility.md only what was asked for by name may change: ${obstacle}.`)
      if (this.#vitest?.config.testNamePattern || !judged.some(ranWhenAsked)) return
    }
    const merged = obstacle === null ? mergeFacts(before, judged) : addAskedFacts(before, judged)
    await writeFormatted(dataPath, formatFacts(merged))
    await writeFormatted(pagePath, compatibilityPage(merged, new Set([...systems.values()].map(({ title }) => title))))
  }

  /** Why this run cannot say what everything is tried on; null when it can. */
  async #whyPartial(modules: readonly TestModule[], suites: readonly SuiteFacts[]): Promise<string | null> {
    const ran = new Set(modules.map(({ moduleId }) => moduleId))
    const all = (await this.#vitest?.globTestSpecifications()) ?? []
    if (this.#vitest?.config.testNamePattern || all.some(({ moduleId }) => !ran.has(moduleId))) return 'a part was run'
    const leftOut = suites.filter((suite) => !hasRun(suite) && suite.onlyWith === undefined)
    return leftOut.length === 0 ? null : `here it was left out what ${leftOut[0]?.judges.join(' and ')} judges`
  }
}

function factsOf(module: TestModule): SuiteFacts[] {
  const found = new Map<TestSuite | TestModule, { -readonly [key in keyof SuiteFacts]: SuiteFacts[key] }>()
  for (const test of module.children.allTests()) {
    const judged = judgedSuiteOf(test)
    const { judges = [], onlyWith } = judged.meta()
    const suite = judged.type === 'module' ? judged.relativeModuleId : judged.fullName.replaceAll(' > ', ': ')
    const facts = found.get(judged) ?? {
      judges: [...judges],
      suite,
      passed: 0,
      failed: 0,
      leftOut: 0,
      ...(onlyWith === undefined ? {} : { onlyWith }),
    }
    found.set(judged, facts)
    const { state } = test.result()
    if (state === 'passed') facts.passed++
    else if (state === 'failed') facts.failed++
    else facts.leftOut++
  }
  for (const [judged, facts] of found) {
    // Its preparation failed: none of its tests was left out on purpose.
    if (hasRun(facts) || judged.state() !== 'failed') continue
    facts.failed = facts.leftOut
    facts.leftOut = 0
  }
  return [...found.values()]
}

/** The innermost suite around a test that names what judges it; the file where none does. */
function judgedSuiteOf(test: TestCase): TestSuite | TestModule {
  let at = test.parent
  while (at.type === 'suite' && at.meta().judges === undefined) at = at.parent
  return at
}

function printTimes(modules: readonly TestModule[]): void {
  const times = modules.map((module) => ({ file: relative(root, module.moduleId), seconds: module.diagnostic().duration / 1_000 }))
  console.log('\nSeconds by file, slowest first:')
  for (const { file, seconds } of times.toSorted((a, b) => b.seconds - a.seconds)) console.log(`${seconds.toFixed(1).padStart(7)}  ${file}`)
}

async function writeFormatted(path: string, text: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
}
