import { Group, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { get, pathOf } from '../api/client.ts'
import { useLive } from '../api/live.tsx'
import type { DeadLetter, DeadLetterDetail, DeadLetterPage, RecordView, Status } from '../api/types.ts'
import { LetterBadge } from './letter-badge.tsx'
import { LinkTo } from './link-to.tsx'
import { RecordPlace } from './record-place.tsx'
import { StateBadge } from './state-badge.tsx'

/** The dead letter of a record, of one in a stream's retry topic, or that a record of a dead-letter topic is; nothing when there is none. */
export function RecordLetter({ topic, record }: { topic: string; record: RecordView }): ReactNode {
  const { status } = useLive()
  const named = status === null ? null : namedByRecord(status, topic, record)
  const streams = status?.flows.filter((flow) => flow.topic === topic).map(({ stream }) => stream) ?? []
  if (named !== null) return <LetterNote name={named} />
  return streams.map((stream) => <LetterOfOrigin key={stream} stream={stream} origin={`${topic}:${record.partition}:${record.offset}`} />)
}

interface LetterName {
  readonly stream: string
  readonly id: string
}

function namedByRecord({ project, flows }: Status, topic: string, { partition, offset, headers }: RecordView): LetterName | null {
  const header = (name: string): string | null => headers.findLast(({ key }) => key === name)?.value ?? null
  for (const { stream } of flows) {
    const id =
      topic === `${project}.${stream}.dlq`
        ? (header('millrace.dead-letter.id') ?? `${partition}:${offset}`)
        : topic === `${project}.${stream}.retry`
          ? header('millrace.replay-of')
          : null
    if (id !== null) return { stream, id }
  }
  return null
}

function LetterOfOrigin({ stream, origin }: { stream: string; origin: string }): ReactNode {
  const { data } = useQuery({
    queryKey: ['dead-letters', 'of', stream, origin],
    queryFn: ({ signal }) => get<DeadLetterPage>(`/dead-letters${pathOf(stream)}`, { state: 'all', origin, limit: 1 }, signal),
  })
  const letter = data?.letters[0]
  return letter === undefined ? null : <LetterNote name={letter} />
}

/** Where a letter stands, in a line that leads to it: open, discarded, or replayed and what became of that. */
export function LetterNote({ name: { stream, id } }: { name: LetterName }): ReactNode {
  const { data: letter } = useQuery({
    queryKey: ['dead-letters', 'one', { stream, id }],
    queryFn: ({ signal }) => get<DeadLetterDetail>(`/dead-letters${pathOf(stream, id)}`, {}, signal),
    refetchInterval: ({ state }) => (state.data?.landed === 'waiting' ? 1_000 : false),
  })
  if (letter === undefined) return null
  return (
    <Group gap="xs" data-testid={`letter-note-${id}`}>
      {letter.landed === 'processed' ? <StateBadge state="landed" /> : <LetterBadge of={letter} />}
      <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
        <LinkTo underline="always" to="/dead-letters" search={{ state: 'all', stream, letter: `${stream}/${id}` }} size="sm">
          dead letter {id} of {stream}
        </LinkTo>
        : {letter.stage}, {letter.message}
        <Outcome of={letter} settled={letter.settled} />
      </Text>
    </Group>
  )
}

function Outcome({ of: { landed, failedAs, state }, settled }: { of: DeadLetterDetail; settled: DeadLetter['settled'] }): ReactNode {
  if (settled === null) return null
  return (
    <>
      {' '}
      · {state} by {settled.by}
      {settled.to === null ? null : (
        <>
          , as <RecordPlace of={settled.to} />
        </>
      )}
      {landed === 'waiting' ? ', which waits for the stream' : landed === 'failed' ? `, which failed again as ${failedAs}` : ''}
    </>
  )
}
