import { z } from 'zod'

/** What a run of the suites in test/engines found out about one suite. No times: the same results are the same facts. */
const suiteFacts = z.object({
  /** Titles, with versions, of what judged it. */
  judges: z.array(z.string()),
  suite: z.string(),
  passed: z.int().min(0),
  failed: z.int().min(0),
  leftOut: z.int().min(0),
  /** How it is asked for, when it is none of those that always run. */
  onlyWith: z.string().optional(),
})
export type SuiteFacts = z.infer<typeof suiteFacts>

const factsFile = z.object({ suites: z.array(suiteFacts) })

/** @throws ZodError on a file that is none of ours */
export function parseFacts(text: string): SuiteFacts[] {
  return factsFile.parse(JSON.parse(text)).suites
}

export function formatFacts(suites: readonly SuiteFacts[]): string {
  return JSON.stringify({ suites })
}

export const hasRun = ({ passed, failed }: SuiteFacts): boolean => passed + failed > 0

export const ranWhenAsked = (facts: SuiteFacts): boolean => facts.onlyWith !== undefined && hasRun(facts)

const keyOf = ({ suite, judges }: SuiteFacts): string => JSON.stringify([judges, suite])
const inOrder = (suites: readonly SuiteFacts[]): SuiteFacts[] => suites.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))

/**
 * The facts of this run in an order of their own. A suite that runs only when asked for keeps what it found then;
 * one that is no more is dropped with its facts.
 */
export function mergeFacts(before: readonly SuiteFacts[], now: readonly SuiteFacts[]): SuiteFacts[] {
  const earlier = new Map(before.map((facts) => [keyOf(facts), facts]))
  return inOrder(now.map((facts) => (facts.onlyWith === undefined || hasRun(facts) ? facts : (earlier.get(keyOf(facts)) ?? facts))))
}

/** After a run of a part: only what was asked for by name and ran has new facts. */
export function addAskedFacts(before: readonly SuiteFacts[], now: readonly SuiteFacts[]): SuiteFacts[] {
  return inOrder([...new Map([...before, ...now.filter(ranWhenAsked)].map((facts) => [keyOf(facts), facts])).values()])
}
