import { Button, Group, JsonInput, Modal, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type ReactNode } from 'react'
import { get, pathOf, send } from '../../api/client.ts'
import { useLive } from '../../api/live.tsx'
import type { Dag, Project, Run } from '../../api/types.ts'
import { useMay } from '../../frame/session.tsx'
import { Failure } from '../../parts/action.tsx'

/** Triggers a run, with parameters when the DAG has some, and goes to it. */
export function Trigger({ dag }: { dag: Dag }): ReactNode {
  const may = useMay('operator')
  const [isOpen, { open, close }] = useDisclosure(false)
  if (!may) return null
  return (
    <>
      <Button size="xs" onClick={open}>
        Trigger
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Trigger ${dag.id}`} centered closeButtonProps={{ 'aria-label': 'Close' }}>
        {isOpen ? <TriggerForm dag={dag} onDone={close} /> : null}
      </Modal>
    </>
  )
}

function TriggerForm({ dag, onDone }: { dag: Dag; onDone: () => void }): ReactNode {
  const { status } = useLive()
  const { data: project } = useQuery({ queryKey: ['project', status?.startedAt], queryFn: () => get<Project>('/project') })
  const defaults = project?.dags.find(({ id }) => id === dag.id)?.params ?? {}
  const [params, setParams] = useState<string | null>(null)
  const [runId, setRunId] = useState('')
  const navigate = useNavigate()
  const queries = useQueryClient()
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => send<{ run: Run }>('POST', `/dags${pathOf(dag.id)}/runs`, bodyOf(params, runId)),
    onSuccess: async ({ run }) => {
      await queries.invalidateQueries({ queryKey: ['dags'] })
      onDone()
      await navigate({ to: '/dags/$dag/runs/$run', params: { dag: dag.id, run: run.runId } })
    },
  })
  return (
    <Stack>
      {Object.keys(defaults).length === 0 ? null : (
        <JsonInput
          label="Parameters"
          description="as JSON; those left out have their defaults"
          value={params ?? JSON.stringify(defaults, null, 2)}
          onChange={setParams}
          autosize
          minRows={3}
          validationError="This is no JSON"
          formatOnBlur
        />
      )}
      <TextInput
        label="Name of the run"
        description="empty: one is made of the time"
        value={runId}
        onChange={(event) => setRunId(event.currentTarget.value)}
      />
      <Failure error={error} />
      <Group justify="flex-end">
        <Button size="xs" loading={isPending} onClick={() => mutate()}>
          Trigger now
        </Button>
      </Group>
    </Stack>
  )
}

function bodyOf(params: string | null, runId: string): object {
  return { ...(params === null ? {} : { params: JSON.parse(params) as unknown }), ...(runId === '' ? {} : { runId }) }
}
