import { expect, test } from 'vitest'
import { startingStatus } from '../../core/index.ts'
import { RecentLetters } from './recent-letters.ts'

test('new dead letters are counted over a while, also when the worker that counts them is another', () => {
  const letters = new RecentLetters(1_000)
  const look = (deadLetters: number, atMs: number): void => letters.look([{ ...startingStatus('s'), deadLetters }], atMs)
  look(2, 0)
  look(5, 100)
  // A worker that begins anew.
  look(0, 200)
  look(1, 300)
  expect(letters.within('s', 1_000, 300)).toBe(6)
  expect(letters.within('s', 201, 300)).toBe(4)
  expect(letters.within('s', 200, 300)).toBe(1)
  expect(letters.within('other', 1_000, 300)).toBe(0)
  look(1, 1_299)
  expect(letters.within('s', 1_000, 1_300)).toBe(0)
})
