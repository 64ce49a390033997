import { Alert, Button, Code, Group, Modal, PasswordInput, Select, Stack, Table, TextInput, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent, type ReactNode } from 'react'
import { get, pathOf, send } from '../../api/client.ts'
import type { Role } from '../../api/types.ts'
import { Action, Failure } from '../../parts/action.tsx'
import { fieldsOf } from '../../parts/fields.ts'
import { Answer, Empty, Page } from '../../parts/page.tsx'
import { Time } from '../../parts/time.tsx'
import { WideTable } from '../../parts/wide-table.tsx'

interface User {
  name: string
  role: Role
  createdAt: string
}

interface Token extends User {
  id: string
}

const roles: readonly Role[] = ['viewer', 'operator', 'admin']

export function Users(): ReactNode {
  const users = useQuery({ queryKey: ['users'], queryFn: () => get<User[]>('/users') })
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => get<Token[]>('/tokens') })
  return (
    <Page title="Users" beside={<Add what="user" />}>
      <Answer of={users}>{(list) => <UserTable users={list} />}</Answer>
      <Group justify="space-between">
        <Title order={2} size="h4">
          API tokens
        </Title>
        <Add what="token" />
      </Group>
      <Answer of={tokens}>
        {(list) =>
          list.length === 0 ? (
            <Empty title="No token">A token lets a machine ask the API: Authorization: Bearer …</Empty>
          ) : (
            <TokenTable tokens={list} />
          )
        }
      </Answer>
    </Page>
  )
}

function UserTable({ users }: { users: readonly User[] }): ReactNode {
  const queries = useQueryClient()
  const { mutate, error } = useMutation({
    mutationFn: ({ name, role }: { name: string; role: string }) => send('PUT', `/users${pathOf(name)}`, { role }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['users'] }),
  })
  return (
    <>
      <Failure error={error} />
      <WideTable label="Users" minWidth={520} columns={['User', 'Role', 'Since', '']}>
        {users.map((user) => (
          <Table.Tr key={user.name} data-testid={`user-${user.name}`}>
            <Table.Td>{user.name}</Table.Td>
            <Table.Td>
              <Select
                size="xs"
                w={130}
                aria-label={`Role of ${user.name}`}
                allowDeselect={false}
                data={roles}
                value={user.role}
                onChange={(role) => role !== null && mutate({ name: user.name, role })}
              />
            </Table.Td>
            <Table.Td>
              <Time at={user.createdAt} />
            </Table.Td>
            <Table.Td>
              <Action
                label="Remove"
                color="red.9"
                changes={['users']}
                ask={`${user.name} cannot sign in any more, and the sessions there are end.`}
                act={() => send('DELETE', `/users${pathOf(user.name)}`)}
              />
            </Table.Td>
          </Table.Tr>
        ))}
      </WideTable>
    </>
  )
}

function TokenTable({ tokens }: { tokens: readonly Token[] }): ReactNode {
  return (
    <WideTable label="API tokens" minWidth={520} columns={['Token', 'Role', 'Since', '']}>
      {tokens.map((token) => (
        <Table.Tr key={token.id} data-testid={`token-${token.name}`}>
          <Table.Td>{token.name}</Table.Td>
          <Table.Td>{token.role}</Table.Td>
          <Table.Td>
            <Time at={token.createdAt} />
          </Table.Td>
          <Table.Td>
            <Action
              label="Remove"
              color="red.9"
              changes={['tokens']}
              ask={`What uses the token ${token.name} is refused from now on.`}
              act={() => send('DELETE', `/tokens${pathOf(token.id)}`)}
            />
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

function Add({ what }: { what: 'user' | 'token' }): ReactNode {
  const [isOpen, { open, close }] = useDisclosure(false)
  return (
    <>
      <Button size="xs" onClick={open}>
        Add a {what}
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Add a ${what}`} centered closeButtonProps={{ 'aria-label': 'Close' }}>
        {isOpen ? <AddForm what={what} onDone={close} /> : null}
      </Modal>
    </>
  )
}

function AddForm({ what, onDone }: { what: 'user' | 'token'; onDone: () => void }): ReactNode {
  const queries = useQueryClient()
  const [role, setRole] = useState<string | null>('viewer')
  const { mutate, isPending, error, data } = useMutation({
    mutationFn: (body: Record<string, unknown>) => send<{ token?: string }>('POST', what === 'user' ? '/users' : '/tokens', body),
    onSuccess: async ({ token }) => {
      await queries.invalidateQueries({ queryKey: [`${what}s`] })
      if (token === undefined) onDone()
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    mutate({ ...fieldsOf(event.currentTarget), role })
  }
  if (data?.token !== undefined)
    return (
      <Stack>
        <Alert title="Copy it now: it is not shown again">
          <Code style={{ overflowWrap: 'anywhere' }}>{data.token}</Code>
        </Alert>
        <Button onClick={onDone}>Done</Button>
      </Stack>
    )
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput name="name" label="Name" required autoComplete="off" />
        <Select label="Role" allowDeselect={false} data={roles} value={role} onChange={setRole} />
        {what === 'user' ? (
          <PasswordInput name="password" label="Password" description="at least 10 characters" required autoComplete="new-password" />
        ) : null}
        <Failure error={error} />
        <Button type="submit" loading={isPending}>
          Add
        </Button>
      </Stack>
    </form>
  )
}
