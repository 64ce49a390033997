import { Alert, Button, Code, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useEffect, useState, type FormEvent, type ReactNode } from 'react'
import { basePath } from '../api/base-path.ts'
import { send } from '../api/client.ts'
import { fieldsOf } from '../parts/fields.ts'
import logo from './millrace.svg'

const signInPath = `${basePath}/sign-in`

/** The token of a one-time link is in the fragment: browsers send it to nobody. */
function linkToken(): string {
  return window.location.pathname === signInPath ? window.location.hash.slice(1) : ''
}

export function SignIn(): ReactNode {
  const [failure, setFailure] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const signIn = async (body: object): Promise<void> => {
    setBusy(true)
    try {
      await send('POST', '/session', body)
      window.location.assign(window.location.pathname === signInPath ? `${basePath}/` : window.location.href)
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
      setBusy(false)
    }
  }
  useEffect(() => {
    const token = linkToken()
    if (token === '') return
    // Gone from the history before it is used.
    window.history.replaceState(null, '', signInPath)
    void signIn({ link: token })
  }, [])
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    void signIn(fieldsOf(event.currentTarget))
  }
  return (
    <Stack component="main" align="center" pt={{ base: 40, sm: 96 }} px="md">
      <Paper withBorder p="xl" w="100%" maw={400}>
        <form onSubmit={submit}>
          <Stack>
            <Stack gap={4} align="center">
              <img src={logo} alt="" width={48} height={48} />
              <Title order={1} size="h3">
                Sign in to Millrace
              </Title>
            </Stack>
            {failure === null ? null : (
              <Alert color="red" role="alert">
                {failure}
              </Alert>
            )}
            <TextInput name="user" label="User" autoComplete="username" required defaultValue="admin" />
            <PasswordInput name="password" label="Password" autoComplete="current-password" required />
            <Button type="submit" loading={busy}>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              <Code>millrace open</Code> prints a link that signs you in. The first password of <Code>admin</Code> is in the file{' '}
              <Code>admin-password</Code> of the data folder.
            </Text>
          </Stack>
        </form>
      </Paper>
    </Stack>
  )
}
