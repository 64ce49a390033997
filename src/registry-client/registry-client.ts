import type { RegistryEndpoint } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { type Answer, openRequests } from './request.ts'

/** A version of a subject, as a registry keeps it. */
export interface SchemaVersion {
  version: number
  /** Global: one for each content. */
  id: number
  schema: string
}

/**
 * A schema registry by Confluent's REST contract. Every call rejects UNREACHABLE (retriable) while it is away or answers 5xx,
 * AUTHENTICATION_FAILED, PROTOCOL when something else answers there.
 */
export interface RegistryClient {
  readonly url: string
  /** The Avro schema of an id; null when there is none; `type` and the text where it is another kind or refers to other schemas. */
  schema(id: number, signal?: AbortSignal): Promise<{ schema: string; type: string; hasReferences: boolean } | null>
  /** The last version; null when there is no such subject. */
  latest(subject: string, signal?: AbortSignal): Promise<SchemaVersion | null>
  /** The version of the subject with this schema; null when it has none. */
  lookUp(subject: string, schema: string, signal?: AbortSignal): Promise<{ version: number; id: number } | null>
  /** @returns the id. ALREADY_EXISTS with the registry's own words when it judges the schema incompatible, BAD_REQUEST when invalid. */
  register(subject: string, schema: string, signal?: AbortSignal): Promise<number>
  /** What the registry itself says against it, by the level that is set there; empty: nothing, or no such subject. */
  problems(subject: string, schema: string, signal?: AbortSignal): Promise<string[]>
  subjects(signal?: AbortSignal): Promise<string[]>
  close(): void
}

export function createRegistryClient(endpoint: RegistryEndpoint): RegistryClient {
  const { url } = endpoint
  const { ask, close } = openRequests(endpoint)
  const get = async (path: string, signal?: AbortSignal): Promise<Answer> => checked(url, path, await ask('GET', path, undefined, signal))
  const post = async (path: string, schema: string, signal?: AbortSignal): Promise<Answer> =>
    checked(url, path, await ask('POST', path, { schema, schemaType: 'AVRO' }, signal))
  const of = (subject: string): string => `/subjects/${encodeURIComponent(subject)}`
  return {
    url,
    close,
    schema: async (id, signal) => {
      const path = `/schemas/ids/${id}`
      const { status, json } = await get(path, signal)
      if (status === 404) return null
      const { schema, schemaType = 'AVRO', references = [] } = objectIn(url, path, { status, json })
      if (typeof schema !== 'string') throw otherAnswer(url, path, status)
      return { schema, type: String(schemaType), hasReferences: Array.isArray(references) && references.length > 0 }
    },
    latest: async (subject, signal) => {
      const path = `${of(subject)}/versions/latest`
      const answer = await get(path, signal)
      if (answer.status === 404) return null
      const { version, id, schema } = objectIn(url, path, answer)
      if (typeof version !== 'number' || typeof id !== 'number' || typeof schema !== 'string') throw otherAnswer(url, path, answer.status)
      return { version, id, schema }
    },
    lookUp: async (subject, schema, signal) => {
      const answer = await post(of(subject), schema, signal)
      if (answer.status === 404) return null
      const { version, id } = objectIn(url, of(subject), answer)
      if (typeof version !== 'number' || typeof id !== 'number') throw otherAnswer(url, of(subject), answer.status)
      return { version, id }
    },
    register: async (subject, schema, signal) => {
      const path = `${of(subject)}/versions`
      const answer = await post(path, schema, signal)
      if (answer.status === 409) throw refused('ALREADY_EXISTS', url, subject, answer)
      const { id } = objectIn(url, path, answer, subject)
      if (typeof id !== 'number') throw otherAnswer(url, path, answer.status)
      return id
    },
    problems: async (subject, schema, signal) => {
      const path = `/compatibility${of(subject)}/versions/latest?verbose=true`
      const answer = await post(path, schema, signal)
      if (answer.status === 404) return []
      const { is_compatible: isCompatible, messages } = objectIn(url, path, answer, subject)
      if (isCompatible === true) return []
      return Array.isArray(messages) && messages.length > 0
        ? messages.map(String)
        : ['the registry judges it incompatible, without saying why']
    },
    subjects: async (signal) => {
      const { status, json } = await get('/subjects', signal)
      if (!Array.isArray(json)) throw otherAnswer(url, '/subjects', status)
      return json.map(String)
    },
  }
}

/** 5xx, 429 and 401 mean the same everywhere. */
function checked(url: string, path: string, answer: Answer): Answer {
  const { status } = answer
  if (status === 401 || status === 403) {
    const what = status === 401 ? 'asks for credentials: set registry.credentials' : `does not allow ${path.split('?')[0]} to this user`
    throw new MillraceError('AUTHENTICATION_FAILED', `The schema registry at ${url} ${what}.`)
  }
  if (status >= 500 || status === 429)
    throw new MillraceError('UNREACHABLE', `The schema registry at ${url} answers ${status}${words(answer)}.`, { details: { status } })
  return answer
}

function objectIn(url: string, path: string, answer: Answer, subject?: string): Record<string, unknown> {
  const { status, json } = answer
  if (status === 422 && subject !== undefined) throw refused('BAD_REQUEST', url, subject, answer)
  if (status !== 200 || typeof json !== 'object' || json === null) throw otherAnswer(url, path, status)
  return { ...json }
}

function refused(code: 'ALREADY_EXISTS' | 'BAD_REQUEST', url: string, subject: string, answer: Answer): MillraceError {
  return new MillraceError(code, `The schema registry at ${url} refuses the schema of ${subject}${words(answer)}.`, {
    details: { subject },
  })
}

function words({ json }: Answer): string {
  const message: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'message') : undefined
  return typeof message === 'string' ? `: ${message.replace(/\.$/, '')}` : ''
}

function otherAnswer(url: string, path: string, status: number): MillraceError {
  return new MillraceError('PROTOCOL', `${url} does not answer as a schema registry (${path.split('?')[0]}: status ${status}).`)
}
