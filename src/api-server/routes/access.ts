import { z } from 'zod'
import { MillraceError } from '../../platform/index.ts'
import type { Access } from '../access/access.ts'
import { roles } from '../access/roles.ts'
import type { AuditEntry, AuditLog } from '../http/audit.ts'
import { answer, type Route } from '../http/route.ts'

const role = z.enum(roles)
const name = z.string().regex(/^[\w.@-]{1,100}$/, 'use 1 to 100 letters, digits, "_", ".", "@" or "-"')
const password = z.string().min(1).max(1_000)
const nothing = z.object({})
const userView = z.object({ name: z.string(), role, createdAt: z.string() })
const tokenView = z.object({ id: z.string(), name: z.string(), role, createdAt: z.string() })

const auditEntry = z.object({
  at: z.string(),
  who: z.string(),
  role: z.string(),
  via: z.string(),
  address: z.string(),
  action: z.string(),
  target: z.string().nullable(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  outcome: z.enum(['done', 'refused']),
  error: z.string().nullable(),
}) satisfies z.ZodType<AuditEntry>

/** Users, tokens and the audit log; signing in and out is `sessionRoutes`. */
export function accessRoutes(access: Access, audit: AuditLog): Route[] {
  return [...userRoutes(access), ...tokenRoutes(access), auditRoute(audit), ownPasswordRoute(access)]
}

function userRoutes(access: Access): Route[] {
  const userParams = z.object({ user: z.string() })
  const known = (user: string): void => {
    if (access.store.user(user) === null) throw new MillraceError('NOT_FOUND', `There is no user ${user}.`)
  }
  return [
    answer({
      method: 'GET',
      path: '/users',
      summary: 'Who may sign in',
      role: 'admin',
      response: z.array(userView),
      handle: () => access.store.users.map(({ name, role, createdAt }) => ({ name, role, createdAt })),
    }),
    answer({
      method: 'POST',
      path: '/users',
      summary: 'Adds a user',
      role: 'admin',
      action: 'user.add',
      body: z.strictObject({ name, role, password }),
      response: nothing,
      handle: async ({ body, note }) => {
        note({ target: body.name, after: { role: body.role } })
        await access.addUser(body.name, body.role, body.password)
        return {}
      },
    }),
    answer({
      method: 'PUT',
      path: '/users/:user',
      summary: 'Changes role or password of a user, and ends the sessions there are',
      role: 'admin',
      action: 'user.change',
      params: userParams,
      body: z.strictObject({ role: role.optional(), password: password.optional() }),
      response: nothing,
      handle: async ({ params: { user }, body, note }) => {
        known(user)
        note({ before: { role: access.store.user(user)?.role }, after: { role: body.role, newPassword: body.password !== undefined } })
        await access.changeUser(user, body)
        return {}
      },
    }),
    answer({
      method: 'DELETE',
      path: '/users/:user',
      summary: 'Removes a user and ends the sessions there are',
      role: 'admin',
      action: 'user.remove',
      params: userParams,
      response: nothing,
      handle: ({ params: { user }, note }) => {
        known(user)
        note({ before: { role: access.store.user(user)?.role } })
        access.store.removeUser(user)
        return {}
      },
    }),
  ]
}

function tokenRoutes(access: Access): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/tokens',
      summary: 'API tokens; what they are is told once, when they are made',
      role: 'admin',
      response: z.array(tokenView),
      handle: () => access.store.tokens.map(({ id, name, role, createdAt }) => ({ id, name, role, createdAt })),
    }),
    answer({
      method: 'POST',
      path: '/tokens',
      summary: 'Makes an API token for a machine',
      role: 'admin',
      action: 'token.add',
      body: z.strictObject({ name, role }),
      response: tokenView.extend({ token: z.string() }),
      handle: ({ body, note }) => {
        const { token, secret } = access.addToken(body.name, body.role)
        note({ target: token.id, after: body })
        return { id: token.id, name: token.name, role: token.role, createdAt: token.createdAt, token: secret }
      },
    }),
    answer({
      method: 'DELETE',
      path: '/tokens/:token',
      summary: 'Removes an API token',
      role: 'admin',
      action: 'token.remove',
      params: z.object({ token: z.string() }),
      response: nothing,
      handle: ({ params }) => {
        if (!access.store.tokens.some(({ id }) => id === params.token))
          throw new MillraceError('NOT_FOUND', `There is no token ${params.token}.`)
        access.store.removeToken(params.token)
        return {}
      },
    }),
  ]
}

function auditRoute(audit: AuditLog): Route {
  return answer({
    method: 'GET',
    path: '/audit',
    summary: 'Who did what, newest first',
    role: 'admin',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(10_000).default(100) }),
    response: z.array(auditEntry),
    handle: ({ query: { limit } }) => audit.newest(limit),
  })
}

function ownPasswordRoute(access: Access): Route {
  return answer({
    method: 'PUT',
    path: '/me/password',
    summary: 'Changes the own password; all sessions of the user end',
    role: 'viewer',
    action: 'password.change',
    body: z.strictObject({ current: password, next: password }),
    response: nothing,
    handle: async ({ principal, body: { current, next }, note }) => {
      note({ target: principal.name })
      await access.changePassword(principal.name, current, next)
      return {}
    },
  })
}
