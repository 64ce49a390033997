import { z } from 'zod'
import { answer, type Route } from '../http/route.ts'
import { knownStream } from '../known-stream.ts'
import type { ApiPorts } from '../ports.ts'
import { resetView, sourceCursorView, streamOffsetsView } from '../schemas/offset-views.ts'

const streamParams = z.object({ stream: z.string() })
const to = z.string().min(1).max(60).meta({ description: 'earliest, latest, an offset, or a time (ISO 8601 with its zone)' })
const partition = z.coerce.number().int().min(0).optional().meta({ description: 'all when left out' })
const planQuery = z.strictObject({ to, partition })
const resetBody = z.strictObject({
  to,
  partition,
  skip: z.boolean().default(false).meta({ description: 'records may be left unread; otherwise that is refused, with their number' }),
})

type Ports = Pick<ApiPorts, 'offsets' | 'streams'>

/** Where streams and sources go on, and setting that. */
export function offsetRoutes(ports: Ports): Route[] {
  return [...streamRoutes(ports), ...sourceRoutes(ports)]
}

function streamRoutes(ports: Ports): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/streams/:stream/offsets',
      summary: 'What a stream has committed in each partition of its topic, and where the log begins and ends',
      role: 'viewer',
      params: streamParams,
      response: streamOffsetsView,
      handle: ({ params: { stream } }) => ports.offsets.of(knownStream(ports, stream)),
    }),
    answer({
      method: 'GET',
      path: '/streams/:stream/reset',
      summary: 'What setting its offsets would do: records that are read again, records that are skipped',
      role: 'viewer',
      params: streamParams,
      query: planQuery,
      response: resetView,
      handle: ({ params: { stream }, query }) => ports.offsets.plan(knownStream(ports, stream), orderOf(query)),
    }),
    answer({
      method: 'POST',
      path: '/streams/:stream/reset',
      summary: 'Sets the offsets of a stream, which stops for that and goes on from there',
      role: 'operator',
      action: 'stream.reset',
      params: streamParams,
      body: resetBody,
      response: resetView,
      handle: async ({ params: { stream }, body, note }) => {
        note({ target: stream, after: { to: body.to, partition: body.partition ?? null } })
        const done = await ports.offsets.reset(knownStream(ports, stream), { ...orderOf(body), skip: body.skip })
        const offsets = (of: 'from' | 'to'): Record<string, string | null> =>
          Object.fromEntries(done.partitions.map((each) => [each.partition, each[of]]))
        note({ before: offsets('from'), after: { to: body.to, offsets: offsets('to'), again: done.again, skipped: done.skipped } })
        return done
      },
    }),
  ]
}

// A cursor may hold what a source's API gave to go on with: for operators.
function sourceRoutes({ offsets }: Ports): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/sources',
      summary: 'Where each source goes on, and which run wrote that',
      role: 'operator',
      response: z.array(sourceCursorView),
      handle: ({ signal }) => offsets.cursors(signal),
    }),
    answer({
      method: 'POST',
      path: '/sources/:source/reset',
      summary: 'Forgets where a source goes on: its next run starts from the beginning',
      role: 'operator',
      action: 'source.reset',
      params: z.object({ source: z.string() }),
      body: z.strictObject({}),
      response: sourceCursorView,
      handle: async ({ params: { source }, signal, note }) => {
        note({ target: source })
        const before = await offsets.forget(source, signal)
        note({ before, after: { cursor: null } })
        return before
      },
    }),
  ]
}

function orderOf({ to: place, partition: only }: { to: string; partition?: number | undefined }): { to: string; partition?: number } {
  return { to: place, ...(only === undefined ? {} : { partition: only }) }
}
