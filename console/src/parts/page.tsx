import { Alert, Center, Group, Loader, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

/** A page: its one heading, what stands beside it, its content. */
export function Page({ title, beside, children }: { title: string; beside?: ReactNode; children: ReactNode }): ReactNode {
  useDocumentTitle(`${title} · Millrace`)
  return (
    <Stack gap="md">
      <Group justify="space-between" align="center" gap="sm">
        <Title order={1} size="h3" style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Title>
        {beside}
      </Group>
      {children}
    </Stack>
  )
}

interface Asked<T> {
  readonly data: T | undefined
  readonly error: Error | null
  readonly isPending: boolean
}

/** What a query answered; that it is asked, or why it could not be. What was there stays while it is asked again. */
export function Answer<T>({ of: { data, error, isPending }, children }: { of: Asked<T>; children: (data: T) => ReactNode }): ReactNode {
  const failure =
    error === null ? null : (
      <Alert color="red" role="alert">
        {error.message}
      </Alert>
    )
  if (data !== undefined)
    return (
      <>
        {failure}
        {children(data)}
      </>
    )
  if (isPending)
    return (
      <Center p="xl" role="status" aria-label="Loading">
        <Loader size="sm" />
      </Center>
    )
  return failure
}

/** Nothing is there, why, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }): ReactNode {
  return (
    <Stack gap={4} py="lg" px="md" ta="center" align="center">
      <Text fw={600}>{title}</Text>
      <Text component="div" size="sm" c="dimmed" maw={560}>
        {children}
      </Text>
    </Stack>
  )
}
