import { Badge, Code, Drawer, Group, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { DeadLetterDetail } from '../../api/types.ts'
import { useMay } from '../../frame/session.tsx'
import { LetterBadge } from '../../parts/letter-badge.tsx'
import { Answer } from '../../parts/page.tsx'
import { Bytes } from './bytes.tsx'
import { LetterActions } from './letter-actions.tsx'
import { Fate } from './letter-fate.tsx'
import { History } from './letter-history.tsx'
import { letterOf, type LetterName } from './letters.ts'

const waitingMs = 1_000
const quietMs = 5_000

/** One letter whole, beside the list; null: none. */
export function LetterDrawer({ name, onClose }: { name: LetterName | null; onClose: () => void }): ReactNode {
  return (
    <Drawer
      opened={name !== null}
      onClose={onClose}
      position="right"
      size={820}
      title={name === null ? '' : `Dead letter ${name.id} of ${name.stream}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {name === null ? null : <Inside key={`${name.stream}/${name.id}`} name={name} />}
    </Drawer>
  )
}

function Inside({ name }: { name: LetterName }): ReactNode {
  const asked = useQuery({
    queryKey: ['dead-letters', 'one', name],
    queryFn: ({ signal }) => letterOf(name, signal),
    refetchInterval: ({ state }) => (state.data?.landed === 'waiting' ? waitingMs : quietMs),
  })
  return <Answer of={asked}>{(letter) => <Whole letter={letter} />}</Answer>
}

function Whole({ letter }: { letter: DeadLetterDetail }): ReactNode {
  const may = useMay('operator')
  const { stage, message, masked, value, valueBytes, key, keyBytes, headers } = letter
  return (
    <Stack gap="md" data-testid="letter">
      <Group gap="xs">
        <LetterBadge of={letter} />
        <Badge variant="default" radius="sm" tt="none">
          {stage}
        </Badge>
      </Group>
      <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
        {message}
      </Text>
      {masked ? (
        <Text size="sm" c="dimmed">
          Personal fields are hidden, and what may tell of them.
        </Text>
      ) : null}
      <Fate letter={letter} />
      {may && letter.state === 'open' ? <LetterActions letter={letter} /> : null}
      <Part title="Value">
        <Bytes label="Value" text={value} base64={valueBytes} isText={!letter.valueIsBase64} isHidden={masked === true}>
          {letter.schemaId === undefined ? '' : `Avro, schema ${letter.schemaId} · `}
          {letter.sizeBytes} bytes
        </Bytes>
      </Part>
      <Part title="Key">
        <Bytes label="Key" text={key} base64={keyBytes} isText={key !== null} isHidden={masked === true} />
      </Part>
      <Failed letter={letter} />
      {headers.length === 0 ? null : (
        <Part title="Headers">
          <Table withTableBorder layout="fixed">
            <Table.Tbody>
              {headers.map((header, i) => (
                <Table.Tr key={`${header.key}/${i}`}>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{header.key}</Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{header.value ?? 'null'}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Part>
      )}
      <Part title="History">
        <History letter={letter} />
      </Part>
    </Stack>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <Stack gap={6} component="section" aria-label={title}>
      <Title order={3} size="h6">
        {title}
      </Title>
      {children}
    </Stack>
  )
}

/** Where in the stream, and by what. */
function Failed({ letter: { step, stage, errorClass, stack } }: { letter: DeadLetterDetail }): ReactNode {
  return (
    <Part title="Where it failed">
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {stage}
        {step === '' ? '' : `, step ${step}`}
        {errorClass === '' ? '' : `, ${errorClass}`}
      </Text>
      {stack === null ? null : (
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxHeight: 240 }} tabIndex={0} aria-label="Stack">
          {stack}
        </Code>
      )}
    </Part>
  )
}
