import { describe, expect, it } from 'vitest'
import { historyOf, shrink, type Action } from './testing/simulation/history.ts'
import { World } from './testing/simulation/world.ts'

const seeds = Number(process.env['MILLRACE_SEEDS'] ?? 120)
const firstSeed = Number(process.env['MILLRACE_SEED'] ?? 1)

async function whatFails(history: readonly Action[]): Promise<string | null> {
  try {
    await World.run(history)
    return null
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

/** What is wrong with a history, and the shortest one found that is still wrong. */
async function told(seed: number, history: readonly Action[], failure: string): Promise<string> {
  const shortest = await shrink(history, async (one) => (await whatFails(one)) !== null)
  const lines = shortest.map((action) => JSON.stringify(action))
  return `seed ${seed}: ${failure}\nshrunk: ${(await whatFails(shortest)) ?? 'it does not fail again'}\n${lines.join('\n')}`
}

describe('the broker, whatever happens to it', () => {
  it(`keeps what it promised in ${seeds} histories from seed ${firstSeed} on`, { timeout: 1e7 }, async () => {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const history = historyOf(seed)
      const failure = await whatFails(history)
      if (failure !== null) expect.fail(await told(seed, history, failure))
    }
  })
})
