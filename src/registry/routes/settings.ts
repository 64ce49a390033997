import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { registryErrors } from '../registry-error.ts'
import { compatibilityLevels, type CompatibilityLevel, type Mode, modes } from '../schema-records.ts'
import type { SchemaRegistry } from '../schema-registry.ts'
import { describeProblem } from '../compatibility.ts'
import { given, givenSchema, givenVersion, isSet } from './given.ts'

interface OfSubject {
  Params: { subject: string }
  Querystring: Record<string, string>
}

/** Compatibility levels and modes, of all subjects and of one. */
export function addSettingRoutes(server: FastifyInstance, registry: SchemaRegistry): void {
  const { state } = registry

  server.get('/config', () => ({ compatibilityLevel: registry.globalLevel() }))
  server.put('/config', async ({ body }) => ({ compatibility: await setLevel(null, body) }))
  server.delete('/config', async () => {
    await registry.setLevel(null, null)
    return { compatibilityLevel: registry.globalLevel() }
  })
  server.get<OfSubject>('/config/:subject', ({ params, query }) => {
    const level = state.level(params.subject) ?? (isSet(query.defaultToGlobal) ? registry.globalLevel() : null)
    if (level === null) throw registryErrors.levelNotSet(params.subject)
    return { compatibilityLevel: level }
  })
  server.put<OfSubject>('/config/:subject', async ({ params, body }) => ({ compatibility: await setLevel(params.subject, body) }))
  server.delete<OfSubject>('/config/:subject', async ({ params }) => {
    const level = state.level(params.subject)
    if (level === null) throw registryErrors.subjectNotFound(params.subject)
    await registry.setLevel(params.subject, null)
    return { compatibilityLevel: level }
  })

  server.get('/mode', () => ({ mode: registry.globalMode() }))
  server.put<{ Querystring: Record<string, string> }>('/mode', async ({ body, query }) => ({ mode: await setMode(null, body, query) }))
  server.get<OfSubject>('/mode/:subject', ({ params, query }) => {
    const mode = state.mode(params.subject) ?? (isSet(query.defaultToGlobal) ? registry.globalMode() : null)
    if (mode === null) throw registryErrors.modeNotSet(params.subject)
    return { mode }
  })
  server.put<OfSubject>('/mode/:subject', async ({ params, body, query }) => ({ mode: await setMode(params.subject, body, query) }))
  server.delete<OfSubject>('/mode/:subject', async ({ params }) => {
    const mode = state.mode(params.subject)
    if (mode === null) throw registryErrors.subjectNotFound(params.subject)
    await registry.setMode(params.subject, null, { force: true })
    return { mode }
  })

  async function setLevel(subject: string | null, body: unknown): Promise<CompatibilityLevel> {
    const { compatibility } = given(z.object({ compatibility: z.string() }), body)
    const level = compatibilityLevels.find((each) => each === compatibility.toUpperCase())
    if (!level) throw registryErrors.invalidLevel(compatibility)
    await registry.setLevel(subject, level)
    return level
  }

  async function setMode(subject: string | null, body: unknown, query: Record<string, string>): Promise<Mode> {
    const { mode: asked } = given(z.object({ mode: z.string() }), body)
    const mode = modes.find((each) => each === asked.toUpperCase())
    if (!mode) throw registryErrors.invalidMode(asked)
    await registry.setMode(subject, mode, { force: isSet(query.force) })
    return mode
  }
}

export function addCompatibilityRoutes(server: FastifyInstance, registry: SchemaRegistry): void {
  const answer = (
    subject: string,
    body: unknown,
    after: number | 'latest' | 'all',
    query: Record<string, string>,
  ): Record<string, unknown> => {
    const problems = registry.problems(subject, givenSchema(body), after)
    return { is_compatible: problems.length === 0, ...(isSet(query.verbose) ? { messages: problems.map(describeProblem) } : {}) }
  }
  server.post<OfSubject>('/compatibility/subjects/:subject/versions', ({ params, body, query }) =>
    answer(params.subject, body, 'all', query),
  )
  server.post<OfSubject & { Params: { version: string } }>(
    '/compatibility/subjects/:subject/versions/:version',
    ({ params, body, query }) => answer(params.subject, body, givenVersion(params.version), query),
  )
}
