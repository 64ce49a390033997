import { Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { get, pathOf } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { DeadLetter, TopicView } from '../../api/types.ts'
import { Failure } from '../../parts/action.tsx'
import { count } from '../../parts/count.ts'
import { LinkTo } from '../../parts/link-to.tsx'
import { lettersOf } from './letters.ts'
import type { SentLetter } from './settling.ts'

interface Landed {
  readonly landed: number
  readonly failed: number
  readonly waiting: number
}

/** What became of many replays: how far the streams have read them, and which failed again. */
export function Landing({ sent }: { sent: readonly SentLetter[] }): ReactNode {
  const { status } = useLive()
  const project = status?.project ?? ''
  const { data, error } = useQuery({
    queryKey: ['dead-letters', 'landing', project, sent],
    queryFn: ({ signal }) => landedOf(project, sent, signal),
    refetchInterval: ({ state }) => (state.data?.waiting === 0 ? false : 1_500),
  })
  const { landed, failed, waiting } = data ?? { landed: 0, failed: 0, waiting: sent.length }
  const retrying =
    status?.streams.filter(({ stream, state }) => state.is !== 'running' && sent.some((each) => each.stream === stream)) ?? []
  return (
    <Stack gap={4}>
      <Progress.Root aria-label="What became of the replays">
        <Progress.Section value={(100 * landed) / sent.length} color="#237032" aria-label="landed" />
        <Progress.Section value={(100 * failed) / sent.length} color="red.9" aria-label="failed again" />
      </Progress.Root>
      <Text size="sm" role="status" data-testid="landing">
        {count(landed)} landed · {count(failed)} failed again · {count(waiting)} wait
      </Text>
      {retrying.map(({ stream, state }) => (
        <Text key={stream} size="sm">
          {stream} is {state.is}
          {'error' in state && state.error !== null ? `: ${state.error.message}` : ''}
        </Text>
      ))}
      {failed === 0 ? null : (
        <LinkTo to="/dead-letters" search={{ state: 'failed-again' }} size="sm">
          Those that failed again
        </LinkTo>
      )}
      <Failure error={error} />
    </Stack>
  )
}

async function landedOf(project: string, sent: readonly SentLetter[], signal: AbortSignal): Promise<Landed> {
  const streams = [...Map.groupBy(sent, ({ stream }) => stream)]
  const each = await Promise.all(streams.map(([stream, letters]) => landedOfStream(project, stream, letters, signal)))
  return each.reduce(
    (all, { landed, failed, waiting }) => ({ landed: all.landed + landed, failed: all.failed + failed, waiting: all.waiting + waiting }),
    { landed: 0, failed: 0, waiting: 0 },
  )
}

/** A record that the stream has committed past, and that is no dead letter again, has landed. */
async function landedOfStream(project: string, stream: string, sent: readonly SentLetter[], signal: AbortSignal): Promise<Landed> {
  const topic = sent[0]?.to.replace(/:\d+:\d+$/, '') ?? ''
  // Asked first: what is committed after that may have failed, and is counted the next time.
  const { groups } = await get<TopicView>(`/topics${pathOf(topic)}`, {}, signal)
  const committed = groups.find(({ groupId }) => groupId === `millrace.${project}.${stream}`)?.partitions ?? []
  const read = sent.filter(({ to }) => {
    const [partition, offset] = to.split(':').slice(-2)
    const at = committed.find((each) => String(each.partition) === partition)?.committed ?? ''
    return /^\d+$/.test(at) && BigInt(at) > BigInt(offset ?? 0)
  })
  const ids = new Set(read.map(({ id }) => id))
  const failed = new Set<string>()
  for await (const { replayOf } of failedAgain(stream, signal)) if (replayOf !== null && ids.has(replayOf)) failed.add(replayOf)
  return { landed: read.length - failed.size, failed: failed.size, waiting: sent.length - read.length }
}

async function* failedAgain(stream: string, signal: AbortSignal): AsyncGenerator<DeadLetter> {
  let before: string | null = null
  do {
    const filter = { state: 'failed-again', reason: undefined, since: undefined, before, limit: 500 } as const
    const page: Awaited<ReturnType<typeof lettersOf>> = await lettersOf(stream, filter, signal)
    yield* page.letters
    before = page.next
  } while (before !== null)
}
