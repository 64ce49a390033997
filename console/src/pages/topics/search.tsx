import { Button, Group, Progress, Select, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState, type FormEvent, type ReactNode } from 'react'
import { pathOf, urlOf } from '../../api/client.ts'
import { useEvents } from '../../api/events.ts'
import type { RecordView, SearchState } from '../../api/types.ts'
import { fieldsOf } from '../../parts/fields.ts'
import { count } from '../../parts/count.ts'
import { Empty } from '../../parts/page.tsx'
import { RecordRows } from '../../parts/record-rows.tsx'

const hitsAtOnce = 200

/** An honest search: it reads record by record and says how far it is. What is searched for is in the URL. */
export function Search({ topic }: { topic: string }): ReactNode {
  const { find = '', where = 'anywhere' } = useSearch({ from: '/topics/$topic' })
  const navigate = useNavigate()
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const fields = fieldsOf(event.currentTarget)
    void navigate({
      to: '/topics/$topic',
      params: { topic },
      search: { tab: 'search', find: fields.find ?? '', where: fields.where ?? '' },
    })
  }
  return (
    <Stack gap="sm">
      <form onSubmit={submit}>
        <Group gap="sm" align="end">
          <TextInput name="find" label="Text" defaultValue={find} required style={{ flexGrow: 1 }} maw={420} />
          <Select
            name="where"
            label="In"
            w={140}
            allowDeselect={false}
            defaultValue={where}
            data={['anywhere', 'key', 'value', 'header']}
          />
          <Button type="submit">Search</Button>
        </Group>
      </form>
      {find === '' ? null : <Results key={`${topic}/${find}/${where}`} topic={topic} find={find} where={where} />}
    </Stack>
  )
}

function Results({ topic, find, where }: { topic: string; find: string; where: string }): ReactNode {
  const [hits, setHits] = useState<readonly RecordView[]>([])
  const [state, setState] = useState<SearchState & { complete?: boolean }>({ scanned: 0, total: 0, hits: 0 })
  const [isStopped, setStopped] = useState(false)
  const path = urlOf(`/topics${pathOf(topic)}/search`, { text: find, where, limit: hitsAtOnce })
  const connection = useEvents(
    isStopped ? null : path,
    {
      hit: (record: RecordView) => setHits((before) => [...before, record]),
      progress: setState,
      done: setState,
    },
    // The search has no place to resume from: it begins again, and would find the same once more.
    { onLiveAgain: () => setHits([]) },
  )
  const isOver = connection === 'ended'
  return (
    <>
      <Group gap="sm">
        <Text size="sm" role="status" data-testid="search-state">
          scanned {count(state.scanned)} of {count(state.total)} · {count(hits.length)} hits
          {isStopped ? ' · stopped' : ''}
          {state.complete === true ? ' · that is all' : ''}
          {state.complete === false ? ` · the first ${hitsAtOnce}, there may be more` : ''}
        </Text>
        {isOver ? null : (
          <Button size="compact-xs" variant="default" onClick={() => setStopped(true)}>
            Stop
          </Button>
        )}
      </Group>
      {isOver ? null : <Progress value={state.total === 0 ? 0 : (100 * state.scanned) / state.total} aria-label="How much was searched" />}
      {hits.length > 0 ? <RecordRows topic={topic} records={hits} label="Hits" /> : null}
      {hits.length === 0 && isOver && !isStopped ? (
        <Empty title="No hit">No record that is there now has this text {where === 'anywhere' ? 'in it' : `in its ${where}`}.</Empty>
      ) : null}
    </>
  )
}
