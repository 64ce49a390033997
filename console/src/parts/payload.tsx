import { Code, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Payload } from '../api/types.ts'

/** A key or value in one line. Text of records is text to React too: it is never markup. */
export function PayloadLine({ of: payload }: { of: Payload | null }): ReactNode {
  if (payload === null)
    return (
      <Text span size="sm" c="dimmed" ff="monospace">
        null
      </Text>
    )
  return (
    <Text span size="sm" ff="monospace" truncate style={{ display: 'block' }}>
      {payload.text ?? `${payload.base64} (base64)`}
    </Text>
  )
}

/** A key or value whole, its structure laid out. */
export function PayloadBlock({ of: payload }: { of: Payload | null }): ReactNode {
  if (payload === null) return <Code>null</Code>
  const { json, text, base64, error, format, schemaId, sizeBytes } = payload
  return (
    <>
      <Text size="xs" c="dimmed">
        {format}
        {schemaId === undefined ? '' : `, schema ${schemaId}`} · {sizeBytes} bytes
        {payload.masked ? ' · personal fields are hidden' : ''}
      </Text>
      {error === undefined ? null : (
        <Text size="xs" c="var(--mantine-color-error)">
          {error}
        </Text>
      )}
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {json === undefined ? (text ?? base64) : JSON.stringify(json, null, 2)}
      </Code>
    </>
  )
}
