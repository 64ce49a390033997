import { MillraceError } from '../platform/errors.ts'

/** A length of time as its author writes it: `'500ms'`, `'1s'`, `'5m'`, `'2h'`, `'7d'`. Another unit is a compile error. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @returns milliseconds; throws DEFINITION_INVALID for anything that is no Duration */
export function durationMs(text: string, what = 'duration'): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const factor = match?.[2] === undefined ? undefined : unitMs[match[2]]
  if (factor === undefined) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `${what}: "${text}" is not a duration; write a number and ms, s, m, h or d, such as '90s'.`,
    )
  }
  return Math.round(Number(match?.[1]) * factor)
}
