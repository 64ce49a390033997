import { expect, test } from 'vitest'
import { createPasswords } from './passwords.ts'

test('a password that comes while the idle thread ends is checked by another', { timeout: 120_000 }, async () => {
  const passwords = createPasswords({ idleMs: 0 })
  try {
    // A cheap one of the stored form; each check is asked for at another moment of the thread's end.
    const hash = 'scrypt$1024$c2FsdA$AAAA'
    for (let i = 0; i < 12; i++) {
      expect(await passwords.matches('guess', hash)).toBe(false)
      await new Promise((resolve) => setTimeout(resolve, i % 4))
    }
  } finally {
    await passwords.close()
  }
})

test('what is asked for at once is answered, and what waits when it closes is refused', { timeout: 120_000 }, async () => {
  const passwords = createPasswords({ idleMs: 60_000 })
  const hash = await passwords.hash('correct horse')
  const answers = await Promise.all([
    passwords.matches('correct horse', hash),
    passwords.matches('wrong', hash),
    passwords.matches('x', null),
  ])
  expect(answers).toEqual([true, false, false])
  const late = passwords.matches('correct horse', hash)
  await Promise.all([expect(late).rejects.toThrow('ended'), passwords.close()])
})
