import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { pathOf, send } from '../../api/client.ts'
import type { SettledLetter } from '../../api/types.ts'
import type { LetterName } from './letters.ts'

export type Verb = 'replay' | 'discard'

/** Letters to act on, in words, and how they are found. */
export interface Wanted {
  readonly what: string
  readonly find: (onFound: (count: number) => void, signal: AbortSignal) => Promise<LetterName[]>
}

/** What is to be done with many. */
export interface Order {
  readonly verb: Verb
  readonly wanted: Wanted
}

/** A letter that went back: `to` is `topic:partition:offset`. */
export interface SentLetter extends LetterName {
  readonly to: string
}

export interface Tally {
  readonly of: number
  readonly settled: number
  /** Somebody else had been there. */
  readonly already: number
  readonly missing: number
  readonly sent: readonly SentLetter[]
}

type Phase =
  | { readonly is: 'finding'; readonly found: number; readonly error: Error | null }
  | { readonly is: 'ask'; readonly letters: readonly LetterName[] }
  | { readonly is: 'doing'; readonly tally: Tally }
  | {
      readonly is: 'over'
      readonly tally: Tally
      readonly rest: readonly LetterName[]
      readonly isStopped: boolean
      readonly error: Error | null
    }

export interface Settling {
  readonly phase: Phase
  readonly begin: () => void
  /** Ends after the part that is on its way: nothing is half done. */
  readonly cancel: () => void
}

/** Of one stream, in one request: one transaction of the server. */
const atOnce = 100

export function useSettling({ verb, wanted }: Order): Settling {
  const [phase, setPhase] = useState<Phase>({ is: 'finding', found: 0, error: null })
  const queries = useQueryClient()
  const stop = useRef<AbortController>(null)
  const first = useRef(wanted)
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const show = (next: Phase): void => {
      if (!signal.aborted) setPhase(next)
    }
    first.current
      .find((found) => show({ is: 'finding', found, error: null }), signal)
      .then(
        (letters) => show({ is: 'ask', letters }),
        (error: unknown) => show({ is: 'finding', found: 0, error: asError(error) }),
      )
    return () => {
      controller.abort()
      stop.current?.abort()
    }
  }, [])
  const cancel = useCallback(() => stop.current?.abort(), [])
  const begin = (): void => {
    const letters = phase.is === 'ask' ? phase.letters : phase.is === 'over' ? phase.rest : []
    const tally: Tally = phase.is === 'over' ? phase.tally : { of: letters.length, settled: 0, already: 0, missing: 0, sent: [] }
    stop.current = new AbortController()
    void settleAll(verb, letters, tally, setPhase, stop.current.signal).then(() =>
      queries.invalidateQueries({ queryKey: ['dead-letters'] }),
    )
  }
  return { phase, begin, cancel }
}

async function settleAll(
  verb: Verb,
  letters: readonly LetterName[],
  before: Tally,
  show: (phase: Phase) => void,
  signal: AbortSignal,
): Promise<void> {
  let tally = before
  let rest = letters
  show({ is: 'doing', tally })
  try {
    for (const part of partsOf(letters)) {
      if (signal.aborted) break
      const [{ stream } = { stream: '' }] = part
      const answers = await send<SettledLetter[]>('POST', `/dead-letters${pathOf(stream, verb)}`, { ids: part.map(({ id }) => id) })
      tally = counted(tally, stream, answers)
      rest = rest.filter((letter) => !part.includes(letter))
      show({ is: 'doing', tally })
    }
    show({ is: 'over', tally, rest, isStopped: rest.length > 0, error: null })
  } catch (error) {
    show({ is: 'over', tally, rest, isStopped: rest.length > 0, error: asError(error) })
  }
}

function counted(tally: Tally, stream: string, answers: readonly SettledLetter[]): Tally {
  const settled = answers.flatMap((each) => (each.is !== 'missing' && !each.wasAlready ? [each] : []))
  const missing = answers.filter(({ is }) => is === 'missing').length
  return {
    of: tally.of,
    settled: tally.settled + settled.length,
    missing: tally.missing + missing,
    already: tally.already + answers.length - settled.length - missing,
    sent: [...tally.sent, ...settled.flatMap(({ id, to }) => (to === null ? [] : [{ stream, id, to }]))],
  }
}

function partsOf(letters: readonly LetterName[]): LetterName[][] {
  return [...Map.groupBy(letters, ({ stream }) => stream).values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / atOnce) }, (_, i) => all.slice(i * atOnce, (i + 1) * atOnce)),
  )
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
