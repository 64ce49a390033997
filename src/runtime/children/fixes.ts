import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { DeadLetterView, FromFixes, Json, ToFixes } from '../../core/index.ts'
import { MillraceError, systemClock } from '../../platform/index.ts'
import { describeExit, spawnChild } from './child.ts'

/** The author's fix function, which runs in a child. */
export interface Fixes {
  /** The value to replay the letter with; null: it is left as it is. Rejects with what the function throws. One at a time. */
  fix(letter: DeadLetterView): Promise<Json>
  close(): Promise<void>
}

/** How long one letter may take: a function that loops never ends. */
const longestMs = 30_000

/** @param path of a file whose default export is `(value, letter) => value | null` */
export async function openFixes(path: string, onLine: (line: string) => void): Promise<Fixes> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-fix-'))
  let answered: (answer: FromFixes) => void = () => undefined
  const child = spawnChild<ToFixes, FromFixes>({
    role: 'fixes',
    owner: folder,
    onLine,
    onMessage: (message) => message.is !== 'ready' && answered(message),
  })
  const ask = (message: ToFixes): Promise<FromFixes> =>
    new Promise((done) => {
      const failed = (text: string): void => done({ is: 'failed', error: new MillraceError('PIPELINE_INVALID', text).toJSON() })
      const stopTimer = systemClock.after(longestMs, () => {
        child.kill()
        failed(`${path} did not answer within ${longestMs / 1_000} s.`)
      })
      answered = (answer) => {
        stopTimer()
        done(answer)
      }
      child.send(message)
      void child.exited.then((exit) => {
        stopTimer()
        failed(`${path} ended its process (${describeExit(exit)}).`)
      })
    })
  const close = async (): Promise<void> => {
    child.kill()
    await child.exited
    await rm(folder, { recursive: true, force: true })
  }
  const loaded = await ask({ is: 'load', path: resolve(path), folder })
  if (loaded.is === 'failed') {
    await close()
    throw MillraceError.fromJSON(loaded.error)
  }
  return {
    fix: async (letter) => {
      const answer = await ask({ is: 'fix', letter })
      if (answer.is === 'fixed') return answer.value
      throw answer.is === 'failed' ? MillraceError.fromJSON(answer.error) : new MillraceError('INTERNAL', 'the fix answered out of turn')
    },
    close,
  }
}
