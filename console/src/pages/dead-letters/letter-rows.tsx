import { Badge, Checkbox, Text } from '@mantine/core'
import { Link, useSearch } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, type ReactNode } from 'react'
import type { DeadLetter } from '../../api/types.ts'
import { LetterBadge } from '../../parts/letter-badge.tsx'
import { Time } from '../../parts/time.tsx'
import { letterText } from './letters.ts'
import './letter-rows.css'

interface LetterRowsProps {
  readonly letters: readonly DeadLetter[]
  /** Null: who looks may not act. */
  readonly selection: { has: (letter: DeadLetter) => boolean; toggle: (letter: DeadLetter) => void } | null
  readonly namesStream: boolean
  /** Called when the last rows come into view. */
  readonly onEnd: () => void
}

const rowHeight = 62

/** Dead letters, one a row, only those in view in the page; a row leads to the whole letter. */
export function LetterRows({ letters, selection, namesStream, onEnd }: LetterRowsProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: letters.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (i) => (letters[i] === undefined ? i : letterText(letters[i])),
    overscan: 10,
  })
  const last = rows.getVirtualItems().at(-1)?.index ?? 0
  useEffect(() => {
    if (letters.length > 0 && last >= letters.length - 1) onEnd()
  }, [last, letters.length, onEnd])
  return (
    <div ref={scroller} className="letters" role="region" aria-label="Dead letters" tabIndex={0}>
      <div className="letters-all" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => {
          const letter = letters[index]
          return letter === undefined ? null : (
            <div
              key={key}
              data-index={index}
              ref={rows.measureElement}
              className="letters-row"
              style={{ transform: `translateY(${start}px)` }}
              data-testid={`letter-${letter.id}`}
            >
              {selection === null ? null : (
                <Checkbox
                  aria-label={`Choose ${letter.id} of ${letter.stream}`}
                  disabled={letter.state !== 'open'}
                  checked={selection.has(letter)}
                  onChange={() => selection.toggle(letter)}
                />
              )}
              <Line letter={letter} namesStream={namesStream} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

function Line({ letter, namesStream }: { letter: DeadLetter; namesStream: boolean }): ReactNode {
  const search = useSearch({ from: '/dead-letters' })
  const { stream, stage, message, key, topic, partition, offset, at, value, valueIsBase64 } = letter
  return (
    <Link to="/dead-letters" search={{ ...search, letter: letterText(letter) }} className="letters-line">
      <span className="letters-badges">
        <LetterBadge of={letter} />
        <Badge variant="default" radius="sm" tt="none" style={{ flexShrink: 0 }}>
          {stage}
        </Badge>
      </span>
      <span className="letters-what">
        <Text span size="sm" fw={600} truncate style={{ display: 'block' }}>
          {key ?? 'no key'}
        </Text>
        <Text span size="xs" c="dimmed" truncate style={{ display: 'block' }}>
          {namesStream ? `${stream} · ` : ''}
          {topic}, partition {partition}, offset {offset}
        </Text>
      </span>
      <span className="letters-why">
        <Text span size="sm" truncate style={{ display: 'block' }}>
          {message}
        </Text>
        <Text span size="xs" c="dimmed" ff="monospace" truncate style={{ display: 'block' }}>
          {value === null ? 'null' : valueIsBase64 ? `${value.slice(0, 200)} (base64)` : value.slice(0, 200)}
        </Text>
      </span>
      <span className="letters-time">
        <Time at={at} size="xs" />
      </span>
    </Link>
  )
}
