import { z } from 'zod'
import { MillraceError } from '../../platform/index.ts'
import { answer, type Route } from '../http/route.ts'
import type { ApiPorts } from '../ports.ts'
import { deadLetterView } from '../schemas/views.ts'

const listQuery = z.strictObject({ stream: z.string().optional(), limit: z.coerce.number().int().min(1).max(10_000).default(100) })

export function deadLetterRoutes(ports: Pick<ApiPorts, 'deadLetters' | 'streams'>): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/dead-letters',
      summary: 'Dead letters, the newest of each stream',
      // Their values are the bytes as they came, and may hold personal fields.
      role: 'operator',
      query: listQuery,
      response: z.array(deadLetterView),
      handle: async ({ query: { stream, limit } }) => {
        const streams = ports.streams()
        if (stream !== undefined && !streams.includes(stream))
          throw new MillraceError('NOT_FOUND', `There is no stream ${stream}; there are: ${streams.join(', ') || 'none'}.`)
        const lists = await Promise.all((stream === undefined ? streams : [stream]).map((name) => ports.deadLetters(name, limit)))
        return lists.flat()
      },
    }),
  ]
}
