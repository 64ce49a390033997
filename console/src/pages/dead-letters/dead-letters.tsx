import { Button, Group, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react'
import { useLive } from '../../api/live.tsx'
import type { DeadLetter } from '../../api/types.ts'
import { useMay } from '../../frame/session.tsx'
import { count } from '../../parts/count.ts'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { countOf, Filters, type LetterSearch } from './filters.tsx'
import { LetterDrawer } from './letter-drawer.tsx'
import { LetterRows } from './letter-rows.tsx'
import { isLetterState, letterNamed, letterText, useLetters, type LetterFilter, type LetterSlice } from './letters.ts'
import { SettleBar } from './settle-bar.tsx'
import { SettleMany } from './settle-many.tsx'
import type { Order } from './settling.ts'

/** Records that could not become rows: why, and the way back. */
export function DeadLetters(): ReactNode {
  const search = useSearch({ from: '/dead-letters' })
  const navigate = useNavigate()
  const { status } = useLive()
  const streams = useMemo(() => status?.flows.map((flow) => flow.stream) ?? [], [status?.flows])
  const state = isLetterState(search.state) ? search.state : 'open'
  const filter: LetterFilter = {
    streams: search.stream === undefined ? streams : [search.stream],
    state,
    reason: search.reason,
    since: search.since,
  }
  const asked = useLetters(filter)
  useAskAgainWhenCountsChange()
  const change = (what: LetterSearch): void => void navigate({ to: '/dead-letters', search: { ...search, ...what } })
  const { letter, ...rest } = search
  return (
    <Page title="Dead letters">
      {status !== null && streams.length === 0 ? (
        <Empty title="No stream is defined yet">
          Dead letters are records that a stream could not write; <code>millrace init</code> makes a pipeline to begin with.
        </Empty>
      ) : (
        <>
          <Filters search={search} state={state} streams={streams} found={asked.data?.pages[0] ?? null} onChange={change} />
          <Answer of={asked}>
            {({ pages }) => <Found key={JSON.stringify(rest)} filter={filter} pages={pages} asked={asked} onChange={change} />}
          </Answer>
        </>
      )}
      <LetterDrawer name={letter === undefined ? null : letterNamed(letter)} onClose={() => change({ letter: '' })} />
    </Page>
  )
}

/** The count of open ones comes with the status, as it happens. */
function useAskAgainWhenCountsChange(): void {
  const { status } = useLive()
  const queries = useQueryClient()
  const counts = status?.flows.map((flow) => `${flow.stream} ${flow.deadLetters}`).join()
  useEffect(() => void queries.invalidateQueries({ queryKey: ['dead-letters'] }), [counts, queries])
}

interface FoundProps {
  readonly filter: LetterFilter
  readonly pages: readonly LetterSlice[]
  readonly asked: ReturnType<typeof useLetters>
  readonly onChange: (change: LetterSearch) => void
}

function Found({ filter, pages, asked, onChange }: FoundProps): ReactNode {
  const may = useMay('operator')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [order, setOrder] = useState<Order | null>(null)
  const letters = useMemo(() => pages.flatMap((page) => page.letters), [pages])
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = asked
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const toggle = (letter: DeadLetter): void => {
    const name = letterText(letter)
    setChosen(new Set(chosen.has(name) ? [...chosen].filter((each) => each !== name) : [...chosen, name]))
  }
  const open = letters.filter((letter) => letter.state === 'open')
  // What was asked for is shown to its end, though nothing that matches may be left then.
  return (
    <>
      {letters.length === 0 ? (
        <NoLetters filter={filter} counts={pages[0]?.counts} onChange={onChange} />
      ) : (
        <>
          {may ? (
            <SettleBar
              filter={filter}
              open={open}
              chosen={open.filter((letter) => chosen.has(letterText(letter)))}
              onChoose={(some) => setChosen(new Set(some.map(letterText)))}
              onOrder={setOrder}
            />
          ) : (
            <Text size="sm" c="dimmed">
              Personal fields are hidden, and acting on dead letters is for operators.
            </Text>
          )}
          <LetterRows
            letters={letters}
            selection={may ? { has: (letter) => chosen.has(letterText(letter)), toggle } : null}
            namesStream={filter.streams.length > 1}
            onEnd={more}
          />
          <Shown count={letters.length} hasMore={hasNextPage} isAsking={isFetchingNextPage} onMore={more} />
        </>
      )}
      {order === null ? null : (
        <SettleMany
          order={order}
          onClose={() => {
            setOrder(null)
            setChosen(new Set())
          }}
        />
      )}
    </>
  )
}

interface ShownProps {
  readonly count: number
  readonly hasMore: boolean
  readonly isAsking: boolean
  readonly onMore: () => void
}

function Shown({ count: shown, hasMore, isAsking, onMore }: ShownProps): ReactNode {
  return (
    <Group gap="sm">
      <Text size="sm" role="status" data-testid="letters-shown">
        {count(shown)} shown{hasMore ? ', there are more' : ''}
      </Text>
      {hasMore ? (
        <Button size="xs" variant="default" loading={isAsking} onClick={onMore}>
          More
        </Button>
      ) : null}
    </Group>
  )
}

interface NoLettersProps {
  readonly filter: LetterFilter
  readonly counts: LetterSlice['counts'] | undefined
  readonly onChange: (change: LetterSearch) => void
}

/** Why nothing is shown, and where to go on. */
function NoLetters({ filter: { state, reason, since }, counts, onChange }: NoLettersProps): ReactNode {
  const all = counts === undefined ? 0 : countOf('all', counts)
  if (all === 0)
    return (
      <Empty title="No dead letters">
        Every record became a row or was filtered. One that cannot is kept here with its reason, and its stream goes on.
      </Empty>
    )
  if (reason !== undefined || since !== undefined)
    return (
      <Empty title="None matches">
        No dead letter of this state has this reason and time.{' '}
        <Button size="compact-xs" variant="default" onClick={() => onChange({ reason: '', since: '' })}>
          Any reason and time
        </Button>
      </Empty>
    )
  return (
    <Empty title={state === 'open' ? 'None is open' : `None is ${state.replace('-', ' ')}`}>
      {counts === undefined ? '' : `${count(counts.open)} open, ${count(counts.replayed)} replayed, ${count(counts.discarded)} discarded. `}
      <Button size="compact-xs" variant="default" onClick={() => onChange({ state: 'all' })}>
        Show all
      </Button>
    </Empty>
  )
}
