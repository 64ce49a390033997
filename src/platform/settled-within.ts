import type { Clock } from './clock.ts'

/** True when the work has settled, well or badly, within the time; the work goes on either way. */
export async function settledWithin(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancelTimer = clock.after(ms, () => resolve(false))
    const settled = (): void => {
      cancelTimer()
      resolve(true)
    }
    work.then(settled, settled)
  })
}
