import { Anchor, Group, Text, TextInput } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { pathOf, urlOf } from '../../api/client.ts'
import { apiPath } from '../../api/base-path.ts'
import { useEvents } from '../../api/events.ts'

const lineHeight = 19
/** More is kept by the server; a browser would choke on it. */
const mostLines = 200_000
// Colours and cursor movements of terminals.
const ansi = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;?]*[A-Za-z]`, 'g')

/** What an attempt prints, as it does; only the lines in view are in the page. */
export function TaskLog({ dag, run, task, attempt }: { dag: string; run: string; task: string; attempt: number }): ReactNode {
  const lines = useRef<string[]>([])
  const [count, setCount] = useState(0)
  const [search, setSearch] = useState('')
  const path = `/dags${pathOf(dag)}/runs${pathOf(run)}/tasks${pathOf(task)}/log`
  const connection = useEvents(urlOf(`${path}/events`, { attempt }), {
    text: ({ text }: { text: string }) => {
      lines.current.push(...text.replace(/\n$/, '').replaceAll(ansi, '').split('\n'))
      if (lines.current.length > mostLines) lines.current.splice(0, lines.current.length - mostLines)
      setCount((before) => before + 1)
    },
    end: () => undefined,
  })
  const wanted = search.toLowerCase()
  const shown = wanted === '' ? lines.current : lines.current.filter((line) => line.toLowerCase().includes(wanted))
  return (
    <>
      <Group gap="sm">
        <TextInput
          size="xs"
          placeholder="Search in the log"
          aria-label="Search in the log"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Text size="xs" c="dimmed" role="status">
          {shown.length} lines · {connection === 'ended' ? 'complete' : connection}
        </Text>
        <Anchor size="xs" href={`${apiPath}${urlOf(path, { attempt })}`} download={`${run}-${task}-${attempt}.json`}>
          Download
        </Anchor>
      </Group>
      <Lines lines={shown} version={count} />
    </>
  )
}

function Lines({ lines, version }: { lines: readonly string[]; version: number }): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  })
  useEffect(() => {
    if (follows.current && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' })
  }, [lines.length, version, rows])
  const onScroll = (): void => {
    const { current } = scroller
    if (current !== null) follows.current = current.scrollHeight - current.scrollTop - current.clientHeight < 2 * lineHeight
  }
  return (
    <div
      ref={scroller}
      onScroll={onScroll}
      // Keys scroll it.
      tabIndex={0}
      role="log"
      aria-label="Log"
      style={{ height: 420, overflow: 'auto', border: '1px solid var(--mantine-color-default-border)', borderRadius: 4 }}
    >
      <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map((row) => (
          <div
            key={row.index}
            style={{
              position: 'absolute',
              top: row.start,
              paddingInline: 8,
              whiteSpace: 'pre',
              lineHeight: `${lineHeight}px`,
              fontFamily: 'var(--mantine-font-family-monospace)',
              fontSize: 13,
            }}
          >
            {lines[row.index]}
          </div>
        ))}
      </div>
    </div>
  )
}
