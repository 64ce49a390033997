import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo, type FormEvent, type ReactNode } from 'react'
import { get, pathOf } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { Doctor, Rows, TableSummary } from '../../api/types.ts'
import { Failure } from '../../parts/action.tsx'
import { fieldsOf } from '../../parts/fields.ts'
import { counted } from '../../parts/count.ts'
import { keyValues } from '../../parts/key-values.ts'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { RowsGrid } from './rows-grid.tsx'

const pageSize = 1_000

export function TablePage(): ReactNode {
  const { keyspace, table } = useParams({ from: '/tables/$keyspace/$table' })
  const tables = useQuery({ queryKey: ['tables'], queryFn: () => get<TableSummary[]>('/tables') })
  const summary = tables.data?.find((each) => each.keyspace === keyspace && each.name === table)
  const { status } = useLive()
  const rows = status?.flows.find((flow) => flow.table === `${keyspace}.${table}`)?.inTable
  return (
    <Page
      title={`${keyspace}.${table}`}
      beside={
        rows === undefined ? null : (
          <Text size="sm" data-testid="row-count">
            {counted(rows, 'row')}
          </Text>
        )
      }
    >
      <Answer of={tables}>
        {() => (summary === undefined ? <Empty title="There is no such table" /> : <Browse key={`${keyspace}.${table}`} table={summary} />)}
      </Answer>
    </Page>
  )
}

function Browse({ table }: { table: TableSummary }): ReactNode {
  const { key } = useSearch({ from: '/tables/$keyspace/$table' })
  const navigate = useNavigate()
  const params = { keyspace: table.keyspace, table: table.name }
  const queries = useQueryClient()
  const queryKey = ['rows', table.keyspace, table.name, key]
  const asked = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      get<Rows>(
        `/tables${pathOf(table.keyspace, table.name)}/rows`,
        { pageSize, key, ...(pageParam === null ? {} : { next: pageParam }) },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    // Read when it is asked for: every page would be read again.
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  const find = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const fields = fieldsOf(event.currentTarget)
    const values = table.partitionKey.map((column) => fields[column] ?? '')
    const search = values.every((value) => value === '') ? {} : { key: JSON.stringify(values) }
    void navigate({ to: '/tables/$keyspace/$table', params, search })
  }
  const keys = key === undefined ? [] : keyValues(key)
  const pages = asked.data?.pages
  const rows = useMemo(() => pages?.flatMap((page) => page.rows) ?? [], [pages])
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = asked
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  return (
    <Stack gap="sm">
      <form onSubmit={find}>
        <Group gap="sm" align="end">
          {table.partitionKey.map((column, i) => (
            <TextInput key={column} name={column} label={column} placeholder="any" defaultValue={keys[i] ?? ''} />
          ))}
          <Button type="submit" variant="default">
            Find by key
          </Button>
          <Button variant="default" onClick={() => void queries.resetQueries({ queryKey })}>
            Read again
          </Button>
        </Group>
      </form>
      <Failure error={asked.error} />
      {asked.isPending || asked.error ? null : rows.length === 0 ? (
        <NoRows isByKey={key !== undefined} />
      ) : (
        <RowsGrid columns={pages?.[0]?.columns ?? []} rows={rows} label={`Rows of ${table.name}`} onEnd={more} />
      )}
      <Group gap="sm">
        <Text size="sm" role="status" data-testid="rows-shown">
          {counted(rows.length, 'row')} shown{hasNextPage ? ', there are more' : ''}
        </Text>
        {hasNextPage ? (
          <Button size="xs" variant="default" loading={isFetchingNextPage} onClick={more}>
            More
          </Button>
        ) : null}
      </Group>
    </Stack>
  )
}

function NoRows({ isByKey }: { isByKey: boolean }): ReactNode {
  const { data } = useQuery({ queryKey: ['doctor'], queryFn: () => get<Doctor>('/doctor'), enabled: !isByKey })
  if (isByKey) return <Empty title="No row has this key">Follow the record by its key to see where it stopped.</Empty>
  return <Empty title="The table is empty">{data?.summary}</Empty>
}
