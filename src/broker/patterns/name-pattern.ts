import { parsePattern, PatternError, type Node } from './pattern-syntax.ts'

type Step =
  | { is: 'char'; test: (char: string) => boolean }
  | { is: 'fork'; to: number[] }
  | { is: 'start' | 'end' | 'word edge' | 'inside' | 'match' }

/** Steps of one pattern at most: what one costs stays small, whoever wrote it. */
const mostSteps = 5_000

export type NamePatternOutcome = { ok: true; matches: (topic: string) => boolean } | { ok: false; reason: string }

/**
 * A pattern of names in RE2's syntax (KIP-848), which matches whole names. All ways through the pattern are followed at
 * once, so that the time is at most steps × length: a pattern from a client must not be able to stop the broker, as one could in
 * an engine that tries again from the beginning.
 */
export function namePattern(text: string): NamePatternOutcome {
  try {
    const steps = compile(parsePattern(text))
    return { ok: true, matches: (topic) => matchesWhole(steps, topic) }
  } catch (error) {
    if (error instanceof PatternError) return { ok: false, reason: error.message }
    throw error
  }
}

function compile(node: Node): Step[] {
  const steps: Step[] = []
  const add = (step: Step): number => {
    if (steps.length >= mostSteps) throw new PatternError('the pattern is too large')
    return steps.push(step) - 1
  }
  append(node, steps, add)
  add({ is: 'match' })
  return steps
}

/** Adds the steps of a node; whoever is through goes on behind them. */
function append(node: Node, steps: Step[], add: (step: Step) => number): void {
  switch (node.is) {
    case 'empty':
      return
    case 'sequence':
      for (const part of node.parts) append(part, steps, add)
      return
    case 'choice':
      return appendChoice(node.parts, steps, add)
    case 'repeat':
      return appendRepeat(node, steps, add)
    case 'char':
      add({ is: 'char', test: node.test })
      return
    default:
      add({ is: node.is })
  }
}

function appendChoice(parts: readonly Node[], steps: Step[], add: (step: Step) => number): void {
  const ways: number[] = []
  add({ is: 'fork', to: ways })
  const ends: number[][] = []
  for (const part of parts) {
    ways.push(steps.length)
    append(part, steps, add)
    const end: number[] = []
    ends.push(end)
    add({ is: 'fork', to: end })
  }
  for (const end of ends) end.push(steps.length)
}

function appendRepeat({ of, min, max }: { of: Node; min: number; max: number | null }, steps: Step[], add: (step: Step) => number): void {
  for (let i = 0; i < min; i++) {
    const before = steps.length
    append(of, steps, add)
    // Nothing, however often: nested, the loops alone would take for ever.
    if (steps.length === before) return
  }
  if (max === null) {
    const ways: number[] = []
    const start = add({ is: 'fork', to: ways })
    ways.push(steps.length)
    append(of, steps, add)
    add({ is: 'fork', to: [start] })
    ways.push(steps.length)
    return
  }
  const skips: number[][] = []
  for (let i = min; i < max; i++) {
    const ways = [steps.length + 1]
    skips.push(ways)
    add({ is: 'fork', to: ways })
    append(of, steps, add)
  }
  for (const ways of skips) ways.push(steps.length)
}

function matchesWhole(steps: readonly Step[], text: string): boolean {
  const chars = Array.from(text)
  let places = reach(steps, [0], chars, 0)
  for (const [at, char] of chars.entries()) {
    const next: number[] = []
    for (const place of places) {
      const step = steps[place]
      if (step?.is === 'char' && step.test(char)) next.push(place + 1)
    }
    if (next.length === 0) return false
    places = reach(steps, next, chars, at + 1)
  }
  return [...places].some((place) => steps[place]?.is === 'match')
}

/** All steps that can be reached without another character. */
function reach(steps: readonly Step[], from: readonly number[], chars: readonly string[], at: number): Set<number> {
  const reached = new Set<number>()
  const open = [...from]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (reached.has(place)) continue
    reached.add(place)
    const step = steps[place]
    if (step?.is === 'fork') open.push(...step.to)
    else if (step && step.is !== 'char' && step.is !== 'match' && holds(step.is, chars, at)) open.push(place + 1)
  }
  return reached
}

function holds(is: 'start' | 'end' | 'word edge' | 'inside', chars: readonly string[], at: number): boolean {
  if (is === 'start') return at === 0
  if (is === 'end') return at === chars.length
  const isWord = (char: string | undefined): boolean => char !== undefined && /\w/.test(char)
  return (isWord(chars[at - 1]) !== isWord(chars[at])) === (is === 'word edge')
}
