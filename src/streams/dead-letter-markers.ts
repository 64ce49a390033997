import { type Batch, connectHeaders, type Header } from '../core/index.ts'

/** Who did what with a dead letter, when, and where it went: `topic:partition:offset` of a replay. */
export interface Settlement {
  is: 'replayed' | 'discarded'
  by: string
  /** ISO 8601 UTC. */
  at: string
  to: string | null
}

const markerHeaders = {
  action: 'millrace.dead-letter.action',
  id: 'millrace.dead-letter.id',
  by: 'millrace.dead-letter.by',
  at: 'millrace.dead-letter.at',
  to: 'millrace.dead-letter.to',
} as const

const actions = { replayed: 'replay', discarded: 'discard' } as const

/** Of a dead letter's place: how people and markers name it. */
export function letterId({ partition, offset }: { partition: number; offset: bigint }): string {
  return `${partition}:${offset}`
}

/**
 * The record by which a dead letter is replayed or discarded, in the letter's own partition and so behind it. It has neither key nor value:
 * nothing is deleted, and whoever reads the topic for its letters finds none in it.
 */
export function markerRecord(topic: string, partition: number, id: string, { is, by, at, to }: Settlement): MarkerRecord {
  const texts: [string, string | null][] = [
    [markerHeaders.action, actions[is]],
    [markerHeaders.id, id],
    [markerHeaders.by, by],
    [markerHeaders.at, at],
    [markerHeaders.to, to],
  ]
  const headers = texts.flatMap(([key, text]): Header[] => (text === null ? [] : [{ key, value: Buffer.from(text) }]))
  return { topic, partition, key: null, value: null, headers, timestampMs: Date.parse(at) }
}

export interface MarkerRecord {
  topic: string
  partition: number
  key: null
  value: null
  headers: readonly Header[]
  timestampMs: number
}

/**
 * The marker that a record of a dead-letter topic is, or null: a letter. A stream's letters always say why they failed, so a failed record
 * with a marker's headers is a letter all the same (P5).
 */
export function markerOf(batch: Batch, i: number): { id: string; settlement: Settlement } | null {
  const hasPayload = (batch.keyAt[2 * i] ?? -1) >= 0 || (batch.valueAt[2 * i] ?? -1) >= 0
  if (hasPayload) return null
  const headers = batch.headers(i)
  const text = (name: string): string | null => {
    const value = headers.findLast(({ key }) => key === name)?.value
    return value ? Buffer.from(value).toString() : null
  }
  const action = text(markerHeaders.action)
  const id = text(markerHeaders.id)
  const by = text(markerHeaders.by)
  const at = text(markerHeaders.at)
  if (id === null || by === null || at === null || text(connectHeaders.stage) !== null) return null
  if (action !== actions.replayed && action !== actions.discarded) return null
  return { id, settlement: { is: action === 'replay' ? 'replayed' : 'discarded', by, at, to: text(markerHeaders.to) } }
}
