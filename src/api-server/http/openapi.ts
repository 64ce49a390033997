import { z } from 'zod'
import type { Route } from './route.ts'

type Doc = Record<string, unknown>

/** OpenAPI 3.1 of the routes, from their own schemas. */
export function openapiOf(routes: readonly Route[], version: string): Doc {
  const paths: Record<string, Record<string, Doc>> = {}
  for (const route of routes.filter((each) => each.onlyBySocket === undefined)) {
    const path = `/api/v1${route.path.replaceAll(/:(\w+)/g, '{$1}')}`
    ;(paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version, description: 'What the console and the command line ask of a running Millrace.' },
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token, made by an admin.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'millrace',
          description: 'A browser session; changes also need the header x-millrace-csrf.',
        },
      },
      schemas: { Problem: problem },
    },
  }
}

const problem = {
  type: 'object',
  description: 'RFC 9457, with the code of the error catalogue.',
  required: ['title', 'status', 'code', 'detail', 'retriable'],
  properties: {
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
    retriable: { type: 'boolean' },
    details: { type: 'object' },
  },
}

function operationOf(route: Route): Doc {
  const failure = {
    description: 'What is wrong and what to do',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
  return {
    summary: route.summary,
    description: route.role === 'anyone' ? 'Needs no sign-in.' : `Needs the role ${route.role}.`,
    ...(route.role === 'anyone' ? { security: [] } : { security: [{ token: [] }, { session: [] }] }),
    parameters: [...parametersOf('path', route.params), ...parametersOf('query', route.query)],
    ...(route.body ? { requestBody: { content: { 'application/json': { schema: jsonSchema(route.body, 'input') } } } } : {}),
    responses: { 200: successOf(route), default: failure },
  }
}

function successOf(route: Route): Doc {
  if (route.is === 'answer')
    return { description: 'The answer', content: { 'application/json': { schema: jsonSchema(route.response, 'output') } } }
  const described = Object.entries(route.events).map(([event, data]) => ({
    type: 'object',
    properties: { event: { const: event }, data: jsonSchema(data, 'output') },
  }))
  return { description: 'Server-sent events', content: { 'text/event-stream': { schema: { oneOf: described } } } }
}

function parametersOf(where: 'path' | 'query', schema: z.ZodType | undefined): Doc[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as { properties?: Record<string, Doc>; required?: string[] }
  return Object.entries(properties).map(([name, each]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: each,
  }))
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Doc {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Doc
  return rest
}
