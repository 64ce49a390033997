import { Button, Group } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { pathOf, send } from '../../api/client.ts'
import type { DeadLetterDetail } from '../../api/types.ts'
import { Action } from '../../parts/action.tsx'
import { EditValue } from './edit-value.tsx'

const changes = ['dead-letters', 'follow']

/** Of an open letter: back as it is, back with another value, or done with. */
export function LetterActions({ letter }: { letter: DeadLetterDetail }): ReactNode {
  const [isEditing, setEditing] = useState(false)
  const { stream, id } = letter
  const settle = (what: 'replay' | 'discard'): Promise<unknown> => send('POST', `/dead-letters${pathOf(stream, what)}`, { ids: [id] })
  return (
    <>
      <Group gap="sm">
        <Button size="xs" variant={isEditing ? 'default' : 'filled'} aria-expanded={isEditing} onClick={() => setEditing(!isEditing)}>
          Edit the value
        </Button>
        <Action
          label="Replay as it is"
          variant="default"
          changes={changes}
          act={() => settle('replay')}
          ask={`The record goes back into ${stream} as it is, by its retry topic; other readers of ${letter.topic} do not see it again. If it fails again, it is a dead letter again.`}
        />
        <Action
          label="Discard"
          color="red.9"
          changes={changes}
          act={() => settle('discard')}
          ask={`The dead letter is marked as done with and no longer counts as open. The record stays in the dead-letter topic. It cannot be taken back.`}
        />
      </Group>
      {isEditing ? <EditValue letter={letter} changes={changes} /> : null}
    </>
  )
}
