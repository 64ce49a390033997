import { apiPath } from './base-path.ts'
import type { Me } from './types.ts'

/** What the API said is wrong, and what to do (RFC 9457). */
export class ApiError extends Error {
  readonly code: string
  readonly status: number

  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.name = 'ApiError'
    this.code = code
    this.status = status
  }
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** Goes into the header of every change; told by `/me` once someone is signed in. */
let csrf: string | null = null

export async function whoAmI(): Promise<Me> {
  const me = await ask<Me>('GET', '/me')
  csrf = me.csrf
  return me
}

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return ask('GET', urlOf(path, query), undefined, signal)
}

/** Asks for a change. */
export function send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
  return ask(method, path, body)
}

/** Path below `/api/v1` with a query; what is undefined is left out. */
export function urlOf(path: string, query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') search.set(name, String(value))
  return search.size === 0 ? path : `${path}?${search.toString()}`
}

/** A path of which each part is escaped: names of topics and runs hold what they like. */
export function pathOf(...parts: (string | number)[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('')
}

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = {}
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (csrf !== null && method !== 'GET') headers['x-millrace-csrf'] = csrf
  let response: Response
  try {
    response = await fetch(`${apiPath}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError(0, 'UNREACHABLE', 'Millrace does not answer. Is it running? "millrace start" starts it.')
  }
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok) return answer as T
  throw problemOf(response.status, answer)
}

function problemOf(status: number, answer: unknown): ApiError {
  if (typeof answer === 'object' && answer !== null && 'code' in answer && 'detail' in answer)
    return new ApiError(status, String(answer.code), String(answer.detail))
  return new ApiError(status, 'INTERNAL', `Millrace answered with status ${status}.`)
}
