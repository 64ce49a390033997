import { Alert, Button, Group, SegmentedControl, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { get, pathOf, send } from '../../api/client.ts'
import type { RecordView } from '../../api/types.ts'
import { Failure } from '../../parts/action.tsx'

/** One record by hand: as the topic's schema has it, or a text as it is. */
export function Produce({ topic }: { topic: string }): ReactNode {
  const [key, setKey] = useState<string | null>(null)
  const [value, setValue] = useState<string | null>(null)
  const [as, setAs] = useState<'value' | 'text'>('value')
  const queries = useQueryClient()
  // The newest record is what a value looks like.
  const { data: newest } = useQuery({
    queryKey: ['records', topic, 'example'],
    queryFn: () => get<RecordView[]>(`/topics${pathOf(topic)}/records`, { limit: 1 }),
    staleTime: Infinity,
  })
  const example = newest?.[0]
  const shownKey = key ?? example?.key?.text ?? ''
  const shownValue =
    value ?? (example?.value?.json === undefined ? (example?.value?.text ?? '') : JSON.stringify(example.value.json, null, 2))
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: () =>
      send<{ partition: number; offset: string }>('POST', `/topics${pathOf(topic)}/records`, {
        key: shownKey === '' ? null : shownKey,
        value: as === 'text' ? shownValue : (JSON.parse(shownValue) as unknown),
        as,
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['records', topic] }),
  })
  return (
    <Stack gap="sm" maw={900}>
      <TextInput label="Key" description="empty: none" value={shownKey} onChange={(event) => setKey(event.currentTarget.value)} />
      <Group gap="sm">
        <Text size="sm">The value is</Text>
        <SegmentedControl
          size="xs"
          aria-label="The value is"
          value={as}
          onChange={(to) => setAs(to === 'text' ? 'text' : 'value')}
          data={[
            { value: 'value', label: 'JSON, written as the topic is' },
            { value: 'text', label: 'a text, as it is' },
          ]}
        />
      </Group>
      <Textarea
        label="Value"
        value={shownValue}
        onChange={(event) => setValue(event.currentTarget.value)}
        autosize
        minRows={6}
        maxRows={24}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
      <Failure error={error} />
      {data === undefined ? null : (
        <Alert color="green" role="status" data-testid="produced">
          Produced to partition {data.partition} at offset {data.offset}
        </Alert>
      )}
      <Group>
        <Button loading={isPending} onClick={() => mutate()}>
          Produce
        </Button>
      </Group>
    </Stack>
  )
}
