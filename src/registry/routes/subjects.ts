import type { FastifyInstance } from 'fastify'
import { registryErrors } from '../registry-error.ts'
import type { SchemaVersion } from '../schema-records.ts'
import type { SchemaRegistry } from '../schema-registry.ts'
import { givenSchema, givenVersion, isSet } from './given.ts'

interface OfSubject {
  Params: { subject: string }
  Querystring: Record<string, string>
}
interface OfVersion {
  Params: { subject: string; version: string }
  Querystring: Record<string, string>
}

export function addSubjectRoutes(server: FastifyInstance, registry: SchemaRegistry): void {
  const { state } = registry

  server.get<{ Querystring: Record<string, string> }>('/subjects', ({ query }) =>
    state
      .subjects({ deleted: isSet(query.deleted) || isSet(query.deletedOnly), prefix: query.subjectPrefix ?? '' })
      .filter((subject) => !isSet(query.deletedOnly) || state.versions(subject).length === 0),
  )

  server.post<OfSubject>('/subjects/:subject', ({ params, query, body }) =>
    versionView(registry.lookUp(params.subject, givenSchema(body), { deleted: isSet(query.deleted) })),
  )

  server.delete<OfSubject>('/subjects/:subject', ({ params, query }) =>
    registry.deleteSubject(params.subject, { permanent: isSet(query.permanent) }),
  )

  server.get<OfSubject>('/subjects/:subject/versions', ({ params, query }) => {
    const versions = state.versions(params.subject, { deleted: isSet(query.deleted) })
    if (versions.length === 0) throw registryErrors.subjectNotFound(params.subject)
    return versions.map(({ version }) => version)
  })

  server.post<OfSubject>('/subjects/:subject/versions', async ({ params, body }) => ({
    id: await registry.register(params.subject, givenSchema(body)),
  }))

  server.get<OfVersion>('/subjects/:subject/versions/:version', ({ params, query }) => versionView(asked(params, query)))

  server.get<OfVersion>('/subjects/:subject/versions/:version/schema', ({ params, query }, reply) =>
    reply.serializer(String).send(asked(params, query).schema),
  )

  server.get<OfVersion>('/subjects/:subject/versions/:version/referencedby', ({ params, query }) => {
    const { subject, version } = asked(params, query)
    return state.referrersOf(subject, version).map(({ id }) => id)
  })

  server.delete<OfVersion>('/subjects/:subject/versions/:version', ({ params, query }) =>
    registry.deleteVersion(params.subject, givenVersion(params.version), { permanent: isSet(query.permanent) }),
  )

  function asked(params: OfVersion['Params'], query: OfVersion['Querystring']): SchemaVersion {
    return registry.version(params.subject, givenVersion(params.version), { deleted: isSet(query.deleted) })
  }
}

/** As the contract shows a version; the type is left out when it is AVRO. */
export function versionView({ subject, version, id, schema, references }: SchemaVersion): Record<string, unknown> {
  return { subject, version, id, ...(references.length > 0 ? { references } : {}), schema }
}
