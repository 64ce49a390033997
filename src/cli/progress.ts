import { systemClock } from '../platform/index.ts'
import { numeral } from './output.ts'

/** How far a long command is, on standard error: in place on a terminal, else a line every few seconds. */
export interface Progress {
  readonly count: number
  add(more: number): void
  end(): void
}

/** @param total shown beside the count; null: nobody knows */
export function createProgress(unit: string, total: number | null = null): Progress {
  const isTerminal = process.stderr.isTTY
  const everyMs = isTerminal ? 200 : 5_000
  const startedMs = systemClock.monotonicMs()
  let shownMs = startedMs
  let count = 0
  let isShown = false
  const show = (nowMs: number): void => {
    const rate = count / Math.max(0.001, (nowMs - startedMs) / 1000)
    const of = total === null ? '' : ` of ${numeral(total)}`
    const text = `${numeral(count)}${of} ${unit}, ${numeral(Math.round(rate))}/s`
    process.stderr.write(isTerminal ? `\r${text}\u001b[K` : `${text}\n`)
    isShown = true
    shownMs = nowMs
  }
  return {
    get count() {
      return count
    },
    add: (more) => {
      count += more
      const nowMs = systemClock.monotonicMs()
      if (nowMs - shownMs >= everyMs) show(nowMs)
    },
    end: () => {
      if (isShown && isTerminal) process.stderr.write('\r\u001b[K')
    },
  }
}
