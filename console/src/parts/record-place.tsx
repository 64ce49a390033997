import type { ReactNode } from 'react'
import { LinkTo } from './link-to.tsx'

/** A link to a record, by its `topic:partition:offset`. */
export function RecordPlace({ of: place }: { of: string }): ReactNode {
  const [, topic = '', partition = '', offset = ''] = /^(.+):(\d+):(\d+)$/.exec(place) ?? []
  return (
    <LinkTo
      underline="always"
      to="/topics/$topic"
      params={{ topic }}
      search={{ at: `${partition}:${offset}` }}
      size="sm"
      style={{ overflowWrap: 'anywhere' }}
    >
      {topic}, partition {partition}, offset {offset}
    </LinkTo>
  )
}
