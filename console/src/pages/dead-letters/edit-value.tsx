import { Button, Group, SegmentedControl, Stack, Text, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { get, pathOf, send } from '../../api/client.ts'
import type { DeadLetterDetail, Project, RecordView } from '../../api/types.ts'
import { Action, Failure } from '../../parts/action.tsx'

type As = 'json' | 'text' | 'base64'
type Read = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string }

const forms: { value: As; label: string }[] = [
  { value: 'json', label: 'JSON' },
  { value: 'text', label: 'Text' },
  { value: 'base64', label: 'Base64' },
]

const explained: Readonly<Record<As, string>> = {
  json: 'Written as the values of the topic are: by its Avro schema, or as JSON.',
  text: 'These characters are the bytes of the value (UTF-8).',
  base64: 'The bytes of the value, in base64.',
}

/** The value that a letter goes back with; its key stays. */
export function EditValue({ letter, changes }: { letter: DeadLetterDetail; changes: readonly string[] }): ReactNode {
  const [as, setAs] = useState<As>(formOf(letter))
  const [text, setText] = useState(() => textIn(formOf(letter), letter))
  const pattern = usePattern(letter, (value) => {
    setAs('json')
    setText(value)
  })
  const read = readAs(as, text)
  const changeForm = (to: string): void => {
    const form = forms.find(({ value }) => value === to)?.value ?? 'json'
    // What was not touched is shown in its other form; what was written stays.
    if (text === textIn(as, letter)) setText(textIn(form, letter))
    setAs(form)
  }
  return (
    <Stack gap="xs" data-testid="edit-value">
      <Group gap="sm" justify="space-between">
        <SegmentedControl size="xs" aria-label="The value is" value={as} onChange={changeForm} data={forms} />
        <Button size="compact-xs" variant="default" loading={pattern.isPending} onClick={() => pattern.mutate()}>
          Begin with the newest good record
        </Button>
      </Group>
      <Textarea
        label="Value to replay"
        description={explained[as]}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        error={read.ok ? undefined : read.problem}
        autosize
        minRows={5}
        maxRows={18}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
      <Failure error={pattern.error} />
      <Group gap="sm">
        <Action
          label="Replay this value"
          disabled={!read.ok}
          changes={changes}
          act={() =>
            send('POST', `/dead-letters${pathOf(letter.stream, 'replay')}`, {
              ids: [letter.id],
              value: read.ok ? read.value : null,
              as,
            })
          }
          ask={
            <>
              The record goes back into {letter.stream} with this value and its own key, headers and time, by the stream’s retry topic. The
              dead letter keeps the value as it was.
            </>
          }
        />
        <Text size="xs" c="dimmed">
          the key stays {letter.key ?? 'as it is'}
        </Text>
      </Group>
    </Stack>
  )
}

/** Fetches what a record that became a row looks like, with this letter's key in it. */
function usePattern(letter: DeadLetterDetail, onValue: (text: string) => void) {
  return useMutation({
    mutationFn: async () => {
      const [project, records] = await Promise.all([
        get<Project>('/project'),
        get<RecordView[]>(`/topics${pathOf(letter.topic)}/records`, { limit: 50 }),
      ])
      const json = records.map(({ value }) => value?.json).find((value) => isObject(value))
      if (!isObject(json)) throw new Error(`None of the newest records of ${letter.topic} can be read as JSON.`)
      const [field, ...others] = project.topics.find(({ name }) => name === letter.topic)?.key ?? []
      const key = field !== undefined && others.length === 0 && letter.key !== null ? { [field]: keyLike(json[field], letter.key) } : {}
      return JSON.stringify({ ...json, ...key }, null, 2)
    },
    onSuccess: onValue,
  })
}

/** The text of a key as the type that the field has in other records. */
function keyLike(example: unknown, key: string): unknown {
  return typeof example === 'number' && key.trim() !== '' && Number.isFinite(Number(key)) ? Number(key) : key
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function formOf({ value, valueIsBase64, schemaId }: DeadLetterDetail): As {
  if (valueIsBase64) return 'base64'
  return schemaId !== undefined || readAs('json', value ?? '').ok ? 'json' : 'text'
}

function textIn(as: As, { value, valueBytes, valueIsBase64 }: DeadLetterDetail): string {
  if (as === 'base64') return valueBytes ?? ''
  const text = valueIsBase64 ? '' : (value ?? '')
  const read = as === 'json' ? readAs('json', text) : null
  return read?.ok ? JSON.stringify(read.value, null, 2) : text
}

function readAs(as: As, text: string): Read {
  if (as === 'text') return { ok: true, value: text }
  if (as === 'base64')
    return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.trim())
      ? { ok: true, value: text.trim() }
      : { ok: false, problem: 'This is not base64 with its padding.' }
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch (error) {
    return { ok: false, problem: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
}
