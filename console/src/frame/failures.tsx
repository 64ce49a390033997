import { Alert, Stack, Text, Title } from '@mantine/core'
import { LinkTo } from '../parts/link-to.tsx'
import { type ErrorComponentProps } from '@tanstack/react-router'
import type { ReactNode } from 'react'

export function NotFound(): ReactNode {
  return (
    <Stack>
      <Title order={1} size="h3">
        There is no such page
      </Title>
      <Text>
        <LinkTo to="/">Go to the overview</LinkTo>
      </Text>
    </Stack>
  )
}

/** A page that broke; the frame around it still works. */
export function PageFailed({ error }: ErrorComponentProps): ReactNode {
  return (
    <Alert color="red" role="alert" title="This page failed">
      {error instanceof Error ? error.message : String(error)}
    </Alert>
  )
}
