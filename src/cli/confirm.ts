import { createInterface } from 'node:readline/promises'
import { MillraceError } from '../platform/index.ts'

/** Asks on the terminal; rejects BAD_REQUEST where there is none, so that a script says `--yes` itself. */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new MillraceError('BAD_REQUEST', `${question} Say so with --yes: there is no terminal to ask on.`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
