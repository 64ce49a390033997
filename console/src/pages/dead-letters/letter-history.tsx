import { Text, Timeline } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { DeadLetterDetail } from '../../api/types.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { RecordPlace } from '../../parts/record-place.tsx'
import { Time } from '../../parts/time.tsx'
import { letterOf, letterText } from './letters.ts'

/** Further back it is not looked: each letter before is asked for by itself. */
const mostShown = 10

/** From the record, by each replay that failed, to what became of this letter. */
export function History({ letter }: { letter: DeadLetterDetail }): ReactNode {
  const { data: before } = useQuery({
    queryKey: ['dead-letters', 'before', letter.stream, letter.id],
    queryFn: ({ signal }) => lettersBefore(letter, signal),
    enabled: letter.replayOf !== null,
    staleTime: Infinity,
  })
  const all = [...(before ?? []), letter]
  const hidden = letter.replays - (all.length - 1)
  return (
    <Timeline active={2 * all.length} bulletSize={14} lineWidth={2} data-testid="letter-history">
      <Timeline.Item
        title={
          <Line>
            A record: <RecordPlace of={`${letter.topic}:${letter.partition}:${letter.offset}`} />
          </Line>
        }
      >
        <Time at={letter.at} size="xs" />
      </Timeline.Item>
      {hidden > 0 ? <Timeline.Item title={<Line>replayed {hidden} times before</Line>} /> : null}
      {all.flatMap((each) => [
        <Timeline.Item
          key={each.id}
          title={
            <Line>
              <Name of={each} isHere={each === letter} />: {each.stage}, {each.message}
            </Line>
          }
        />,
        each.settled === null ? null : (
          <Timeline.Item
            key={`${each.id} settled`}
            title={
              <Line>
                {each.state} by {each.settled.by}
                {each.settled.to === null ? null : (
                  <>
                    , as <RecordPlace of={each.settled.to} />
                  </>
                )}
              </Line>
            }
          >
            <Time at={each.settled.at} size="xs" />
          </Timeline.Item>
        ),
      ])}
      {letter.landed === 'processed' ? <Timeline.Item title={<Line>landed: {letter.stream} has read it</Line>} /> : null}
    </Timeline>
  )
}

function Line({ children }: { children: ReactNode }): ReactNode {
  return (
    <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
      {children}
    </Text>
  )
}

function Name({ of: { stream, id }, isHere }: { of: DeadLetterDetail; isHere: boolean }): ReactNode {
  const search = useSearch({ from: '/dead-letters' })
  if (isHere) return <b>dead letter {id}</b>
  return (
    <LinkTo underline="always" to="/dead-letters" search={{ ...search, letter: letterText({ stream, id }) }}>
      dead letter {id}
    </LinkTo>
  )
}

/** Oldest first. */
async function lettersBefore({ stream, replayOf }: DeadLetterDetail, signal: AbortSignal): Promise<DeadLetterDetail[]> {
  const letters: DeadLetterDetail[] = []
  let id = replayOf
  while (id !== null && letters.length < mostShown) {
    const letter = await letterOf({ stream, id }, signal)
    letters.unshift(letter)
    id = letter.replayOf
  }
  return letters
}
