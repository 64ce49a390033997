import { Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ConsoleScope } from '../api/types.ts'

/** What a console that stands alone may be without. */
export type Need = 'project' | 'write' | ConsoleScope['systems'][number]

export function has(console: ConsoleScope, need: Need): boolean {
  if (need === 'project') return console.project
  return need === 'write' ? !console.readOnly : console.systems.includes(need)
}

const because: Readonly<Record<Need, string>> = {
  project:
    'This console stands alone on clusters: no pipelines run here, so there are no DAGs, streams and dead letters. "millrace start" runs a project, with a console of its own.',
  write: 'This console only reads. Users are added by the command "millrace users add".',
  kafka: 'This console was given no Kafka: start it with --kafka host:port.',
  cassandra: 'This console was given no Cassandra: start it with --cassandra host:port.',
  registry: 'This console was given no schema registry: start it with --registry http://host:port.',
}

/** In place of a page that this console cannot have. */
export function NotHere({ needs }: { needs: Need }): ReactNode {
  return (
    <Stack>
      <Title order={1} size="h3">
        There is no such page here
      </Title>
      <Text maw={640}>{because[needs]}</Text>
    </Stack>
  )
}
