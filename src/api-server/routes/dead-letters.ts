import { z } from 'zod'
import { names, type DeadLetterView, type SettledLetter } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import type { Principal } from '../access/roles.ts'
import { maskedLetter } from '../data/masked-letter.ts'
import { personalIn } from '../data/payload.ts'
import { answer, type Route } from '../http/route.ts'
import { knownStream } from '../known-stream.ts'
import type { ApiPorts, DeadLetterQuery } from '../ports.ts'
import { deadLetterDetail, deadLetterPage, deadLetterView, settledLetter } from '../schemas/views.ts'

const letterId = z.string().regex(/^\d{1,9}:\d{1,18}$/, 'write partition:offset')
const filter = {
  state: z
    .enum(['open', 'failed-again', 'replayed', 'discarded', 'all'])
    .default('open')
    .meta({ description: 'failed-again: those of the open ones whose record was replayed before' }),
  reason: z.string().optional().meta({ description: 'stage that failed: decode, validate, step, sink' }),
  since: z.iso.datetime({ offset: true }).optional().meta({ description: 'records of this time and later' }),
}
const listQuery = z.strictObject({
  ...filter,
  stream: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
})
const pageQuery = z.strictObject({
  ...filter,
  before: letterId.optional().meta({ description: '`next` of the page before' }),
  origin: z
    .string()
    .regex(/^[\w.-]{1,249}:\d{1,9}:\d{1,18}$/, 'write topic:partition:offset')
    .optional()
    .meta({ description: 'of the record that stood there' }),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})
const streamParams = z.object({ stream: z.string() })
const ids = z.array(letterId).min(1).max(500)
const replayOrder = z
  .strictObject({
    ids,
    value: z.json().optional().meta({ description: 'the value to replay the one letter with; its key stays' }),
    values: z.record(letterId, z.json()).default({}).meta({ description: 'values by letter, in place of their own' }),
    as: z
      .enum(['json', 'text', 'base64'])
      .default('json')
      .meta({ description: 'json: written as the topic’s values are; text, base64: these bytes' }),
  })
  .refine(({ value, ids: named }) => value === undefined || named.length === 1, 'one value is for one letter: name one')

type Ports = Pick<ApiPorts, 'deadLetters' | 'streams' | 'project' | 'masking'>

export function deadLetterRoutes(ports: Ports): Route[] {
  return [...readingRoutes(ports), ...settlingRoutes(ports)]
}

/** Their values are records as they came: personal fields are hidden from viewers, and with them all that may tell of them. */
function readingRoutes(ports: Ports): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/dead-letters',
      summary: 'Dead letters, the newest of each stream',
      role: 'viewer',
      query: listQuery,
      response: z.array(deadLetterView),
      handle: async ({ query: { stream, ...query }, principal }) => {
        const streams = stream === undefined ? ports.streams() : [knownStream(ports, stream)]
        const pages = await Promise.all(streams.map((name) => ports.deadLetters.list(name, queryOf(query))))
        return pages.flatMap(({ letters }) => letters.toReversed().map((letter) => shownTo(principal, ports, letter)))
      },
    }),
    answer({
      method: 'GET',
      path: '/dead-letters/:stream',
      summary: 'Dead letters of a stream by page, newest first, and how many there are of each state and reason',
      role: 'viewer',
      params: streamParams,
      query: pageQuery,
      response: deadLetterPage,
      handle: async ({ params: { stream }, query, principal }) => {
        const page = await ports.deadLetters.list(knownStream(ports, stream), queryOf(query))
        return { ...page, letters: page.letters.map((letter) => shownTo(principal, ports, letter)) }
      },
    }),
    answer({
      method: 'GET',
      path: '/dead-letters/:stream/:id',
      summary: 'One dead letter whole, and what became of its replay',
      role: 'viewer',
      params: streamParams.extend({ id: z.string() }),
      response: deadLetterDetail,
      handle: async ({ params: { stream, id }, principal }) => {
        const letter = letterId.safeParse(id).success ? await ports.deadLetters.one(knownStream(ports, stream), id) : null
        if (letter === null) throw new MillraceError('NOT_FOUND', `Stream ${stream} has no dead letter ${id}: see "millrace dlq list".`)
        const shown = shownTo(principal, ports, letter)
        return shown.masked ? { ...shown, keyBytes: null, valueBytes: null } : shown
      },
    }),
  ]
}

function settlingRoutes(ports: Ports): Route[] {
  return [
    answer({
      method: 'POST',
      path: '/dead-letters/:stream/replay',
      summary: 'Sends dead letters back into their stream, as they are or with another value; twice changes nothing',
      role: 'operator',
      action: 'dead-letter.replay',
      params: streamParams,
      body: replayOrder,
      response: z.array(settledLetter),
      handle: async ({ params: { stream }, body, principal, signal, note }) => {
        const values = new Map(Object.entries(body.values))
        const [first] = body.ids
        if (body.value !== undefined && first !== undefined) values.set(first, body.value)
        const order = { ids: body.ids, values, as: body.as }
        const settled = await ports.deadLetters.replay(knownStream(ports, stream), order, { by: principal.name, signal })
        // What the values hold may be personal, and is in the topic for those who may see it.
        note({ target: stream, after: { edited: [...values.keys()], ...told(settled) } })
        return settled
      },
    }),
    answer({
      method: 'POST',
      path: '/dead-letters/:stream/discard',
      summary: 'Marks dead letters as done with; they stay in their topic; twice changes nothing',
      role: 'operator',
      action: 'dead-letter.discard',
      params: streamParams,
      body: z.strictObject({ ids }),
      response: z.array(settledLetter),
      handle: async ({ params: { stream }, body, principal, signal, note }) => {
        const settled = await ports.deadLetters.discard(knownStream(ports, stream), body.ids, { by: principal.name, signal })
        note({ target: stream, after: told(settled) })
        return settled
      },
    }),
  ]
}

function shownTo<T extends DeadLetterView>(principal: Principal, { project, masking }: Ports, letter: T): T {
  return principal.role === 'viewer'
    ? maskedLetter(letter, personalIn(masking(), names.deadLetters(project().name, letter.stream)))
    : letter
}

interface Filter {
  state: 'open' | 'failed-again' | 'replayed' | 'discarded' | 'all'
  origin?: string | undefined
  reason?: string | undefined
  since?: string | undefined
  before?: string | undefined
  limit: number
}

function queryOf({ state, reason, since, before, origin, limit }: Filter): DeadLetterQuery {
  return {
    limit,
    ...(state === 'all' ? {} : state === 'failed-again' ? { state: 'open', failedAgain: true } : { state }),
    ...(origin === undefined ? {} : { origin }),
    ...(reason === undefined ? {} : { reason }),
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
    ...(before === undefined ? {} : { before }),
  }
}

/** For the audit log. */
function told(settled: readonly SettledLetter[]): { done: string[]; already: number; missing: number } {
  return {
    done: settled.flatMap((each) => (each.is !== 'missing' && !each.wasAlready ? [each.id] : [])),
    already: settled.filter((each) => each.is !== 'missing' && each.wasAlready).length,
    missing: settled.filter(({ is }) => is === 'missing').length,
  }
}
