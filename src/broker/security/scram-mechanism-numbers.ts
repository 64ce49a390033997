import { scramMechanisms, type ScramMechanism } from './scram.ts'

/** KIP-554: SCRAM-SHA-256 is 1, SCRAM-SHA-512 is 2, 0 is none that is known. */
export function mechanismNumber(mechanism: ScramMechanism): number {
  return scramMechanisms.indexOf(mechanism) + 1
}

export function mechanismOf(number: number): ScramMechanism | null {
  return scramMechanisms[number - 1] ?? null
}
