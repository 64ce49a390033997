import { Alert, Button, Group, Modal, Stack, Text, type ButtonProps } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'

interface ActionProps extends ButtonProps {
  readonly label: string
  readonly act: () => Promise<unknown>
  /** Queries whose answers it changes. */
  readonly changes: readonly string[]
  /** What it will do, asked about before it is done. */
  readonly ask?: ReactNode
  readonly onDone?: () => void
}

/** A button that does something: it shows that it is being done, and why it was not. */
export function Action({ label, act, changes, ask, onDone, ...button }: ActionProps): ReactNode {
  const [isAsking, { open, close }] = useDisclosure(false)
  const queries = useQueryClient()
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: act,
    onSuccess: async () => {
      close()
      await Promise.all(changes.map((key) => queries.invalidateQueries({ queryKey: [key] })))
      onDone?.()
    },
  })
  const begin = (): void => (ask === undefined ? mutate() : open())
  return (
    <>
      <Button size="xs" {...button} loading={isPending && !isAsking} onClick={begin}>
        {label}
      </Button>
      <Modal opened={isAsking} onClose={close} title={label} centered closeButtonProps={{ 'aria-label': 'Close' }}>
        <Stack>
          <Text size="sm" component="div">
            {ask}
          </Text>
          <Failure error={error} />
          <Group justify="flex-end">
            <Button variant="default" size="xs" onClick={close}>
              Leave it
            </Button>
            <Button size="xs" {...button} loading={isPending} onClick={() => mutate()}>
              {label}
            </Button>
          </Group>
        </Stack>
      </Modal>
      {isAsking || error === null ? null : (
        <Alert color="red" role="alert" withCloseButton closeButtonLabel="Close" onClose={reset} p="xs">
          {error.message}
        </Alert>
      )}
    </>
  )
}

export function Failure({ error }: { error: Error | null }): ReactNode {
  if (error === null) return null
  return (
    <Alert color="red" role="alert" p="xs">
      {error.message}
    </Alert>
  )
}
