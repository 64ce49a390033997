import type { FastifyInstance } from 'fastify'
import { registryErrors } from '../registry-error.ts'
import type { SchemaContent, SchemaVersion } from '../schema-records.ts'
import type { SchemaRegistry } from '../schema-registry.ts'
import { givenId, isSet } from './given.ts'
import { versionView } from './subjects.ts'

interface ById {
  Params: { id: string }
  Querystring: Record<string, string>
}

export function addSchemaRoutes(server: FastifyInstance, { state }: SchemaRegistry): void {
  server.get('/schemas/types', () => ['AVRO'])

  server.get<{ Querystring: Record<string, string> }>('/schemas', ({ query }) => {
    const options = { deleted: isSet(query.deleted), prefix: query.subjectPrefix ?? '' }
    const all = state.subjects(options).flatMap((subject) => {
      const versions = state.versions(subject, options)
      return isSet(query.latestOnly) ? versions.slice(-1) : versions
    })
    const offset = count(query.offset) ?? 0
    const limit = count(query.limit)
    return all.slice(offset, limit === null ? undefined : offset + limit).map(versionView)
  })

  server.get<ById>('/schemas/ids/:id', ({ params }) => {
    const { schema, references } = contentOf(params.id)
    return { schema, ...(references.length > 0 ? { references } : {}) }
  })

  server.get<ById>('/schemas/ids/:id/schema', ({ params }, reply) => reply.serializer(String).send(contentOf(params.id).schema))

  server.get<ById>('/schemas/ids/:id/subjects', ({ params, query }) => [...new Set(usesOf(params.id, query).map(({ subject }) => subject))])

  server.get<ById>('/schemas/ids/:id/versions', ({ params, query }) =>
    usesOf(params.id, query).map(({ subject, version }) => ({ subject, version })),
  )

  function contentOf(text: string): SchemaContent {
    const id = givenId(text)
    const content = state.content(id)
    if (!content) throw registryErrors.schemaIdNotFound(id)
    return content
  }

  function usesOf(text: string, query: ById['Querystring']): SchemaVersion[] {
    contentOf(text)
    return state.usesOf(givenId(text), { deleted: isSet(query.deleted) })
  }
}

/** Null also for what is none: −1 stands for "all" in the contract. */
function count(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null
}
