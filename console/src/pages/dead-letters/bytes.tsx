import { Button, Code, Group, SegmentedControl, Text } from '@mantine/core'
import { useMemo, useState, type ReactNode } from 'react'

interface BytesProps {
  readonly label: string
  /** Decoded; base64 where `isText` is false; null: there is none. */
  readonly text: string | null
  readonly base64: string | null
  readonly isText: boolean
  readonly isHidden: boolean
  /** What is said of them. */
  readonly children?: ReactNode
}

/** A key or value: as it reads, laid out when it is JSON, or byte by byte. Its text is text to the browser too, never markup. */
export function Bytes({ label, text, base64, isText, isHidden, children }: BytesProps): ReactNode {
  const [how, setHow] = useState(isText ? 'text' : 'hex')
  if (text === null && base64 === null)
    return (
      <Text size="sm" c="dimmed">
        none
      </Text>
    )
  const shown =
    how === 'hex' && base64 !== null ? (
      <Hex base64={base64} />
    ) : (
      <Code {...block} aria-label={label}>
        {laidOut(text ?? '')}
      </Code>
    )
  return (
    <>
      <Group gap="sm" justify="space-between">
        <Text size="xs" c="dimmed">
          {children}
        </Text>
        {isHidden || base64 === null ? null : (
          <SegmentedControl
            size="xs"
            aria-label={`${label} as`}
            value={how}
            onChange={setHow}
            data={[
              { value: 'text', label: isText ? 'Decoded' : 'Base64' },
              { value: 'hex', label: 'Bytes' },
            ]}
          />
        )}
      </Group>
      {shown}
    </>
  )
}

const block = {
  block: true,
  tabIndex: 0,
  style: { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxHeight: 360 },
} as const

const firstBytes = 2_048

/** Sixteen bytes a line: offset, hex, ASCII. The first of many, more when asked. */
function Hex({ base64 }: { base64: string }): ReactNode {
  const [limit, setLimit] = useState(firstBytes)
  const bytes = useMemo(() => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)), [base64])
  return (
    <>
      <Code
        {...block}
        style={{ ...block.style, whiteSpace: 'pre', overflowWrap: 'normal', overflowX: 'auto' }}
        aria-label="Bytes"
        data-testid="hex"
      >
        {bytes.length === 0 ? 'no bytes' : hexLines(bytes.subarray(0, limit))}
      </Code>
      {bytes.length > limit ? (
        <Button size="compact-xs" variant="default" onClick={() => setLimit(limit * 8)}>
          The first {limit} of {bytes.length} bytes: show more
        </Button>
      ) : null}
    </>
  )
}

function hexLines(bytes: Uint8Array): string {
  return Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) => {
    const line = [...bytes.subarray(16 * i, 16 * i + 16)]
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const ascii = line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
    return `${(16 * i).toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${ascii}`
  }).join('\n')
}

function laidOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
