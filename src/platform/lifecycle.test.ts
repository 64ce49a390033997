import { expect, test } from 'vitest'
import { startOrRelease, type Releasers } from './lifecycle.ts'

function starting(released: string[], fails: boolean): (releasers: Releasers) => Promise<string> {
  return async (releasers) => {
    releasers.add('first', () => void released.push('first'))
    releasers.add('sick', () => {
      released.push('sick')
      throw new Error('it does not close')
    })
    if (fails) throw new Error('it does not start')
    return 'started'
  }
}

test('what a start that failed has taken is released, the last first, and its own failure is told', async () => {
  const released: string[] = []
  await expect(startOrRelease(starting(released, true))).rejects.toThrow('it does not start')
  expect(released).toEqual(['sick', 'first'])
})

test('what a start has taken stays', async () => {
  const released: string[] = []
  expect(await startOrRelease(starting(released, false))).toBe('started')
  expect(released).toEqual([])
})
