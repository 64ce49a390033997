import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState, type KeyboardEvent, type ReactNode } from 'react'
import { send } from '../../api/client.ts'
import type { Rows } from '../../api/types.ts'
import { useMay, useMe } from '../../frame/session.tsx'
import { Failure } from '../../parts/action.tsx'
import { counted } from '../../parts/count.ts'
import { Empty, Page } from '../../parts/page.tsx'
import { RowsGrid } from './rows-grid.tsx'

const pageSize = 500

export function Cql(): ReactNode {
  const { q } = useSearch({ from: '/cql' })
  const mayChange = useMay('admin')
  const { readOnly } = useMe().console
  const navigate = useNavigate()
  const [text, setText] = useState(q ?? '')
  const [statement, setStatement] = useState<{ cql: string; run: number } | null>(null)
  const run = (): void => {
    if (text.trim() === '') return
    // It is run again though it is the same; a statement in a shared URL is not run by opening it.
    setStatement({ cql: text, run: (statement?.run ?? 0) + 1 })
    void navigate({ to: '/cql', search: { q: text }, replace: true })
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run()
  }
  return (
    <Page title="CQL editor">
      <Textarea
        label="Statement"
        description={mayChange ? 'Ctrl+Enter runs it' : `Ctrl+Enter runs it; ${readOnly ? 'this console' : 'your role'} may read only`}
        placeholder="SELECT * FROM spark_streams.created_users LIMIT 10"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        autosize
        minRows={3}
        maxRows={16}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
      <Group>
        <Button onClick={run}>Run</Button>
      </Group>
      {statement === null ? null : <Result key={statement.run} cql={statement.cql} run={statement.run} />}
    </Page>
  )
}

function Result({ cql, run }: { cql: string; run: number }): ReactNode {
  const asked = useInfiniteQuery({
    queryKey: ['cql', cql, run],
    queryFn: ({ pageParam }) => send<Rows>('POST', '/cql', { cql, pageSize, ...(pageParam === null ? {} : { next: pageParam }) }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    // Once for each press: a statement may change something.
    retry: false,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  if (asked.isPending) return <Text role="status">runs</Text>
  if (asked.error) return <Failure error={asked.error} />
  const [first] = asked.data.pages
  const rows = asked.data.pages.flatMap((page) => page.rows)
  if (first === undefined || first.columns.length === 0) return <Empty title="Done">The statement gave no rows.</Empty>
  return (
    <Stack gap="sm">
      <RowsGrid columns={first.columns} rows={rows} label="Result" />
      <Group gap="sm">
        <Text size="sm" role="status" data-testid="rows-shown">
          {counted(rows.length, 'row')}
          {asked.hasNextPage ? ', there are more' : ''}
        </Text>
        {asked.hasNextPage ? (
          <Button size="xs" variant="default" loading={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>
            More
          </Button>
        ) : null}
        <Button size="xs" variant="default" onClick={() => save('result.json', 'application/json', JSON.stringify(rows, null, 2))}>
          Save as JSON
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            save(
              'result.csv',
              'text/csv',
              csvOf(
                first.columns.map(({ name }) => name),
                rows,
              ),
            )
          }
        >
          Save as CSV
        </Button>
      </Group>
    </Stack>
  )
}

/** RFC 4180. */
function csvOf(columns: readonly string[], rows: Rows['rows']): string {
  const cell = (value: unknown): string => {
    const text = value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [columns.map(cell), ...rows.map((row) => columns.map((column) => cell(row[column])))]
    .map((line) => `${line.join(',')}\r\n`)
    .join('')
}

function save(name: string, type: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
