import { z } from 'zod'
import type { Access } from '../access/access.ts'
import { roles } from '../access/roles.ts'
import { consoleSystems, type ConsoleScope } from '../console-scope.ts'
import { answer, type Route } from '../http/route.ts'

const text = z.string().min(1).max(1_000)
const me = z.object({
  name: z.string(),
  role: z.enum(roles),
  csrf: z.string().nullable(),
  console: z.object({
    project: z.boolean().meta({ description: 'whether there is a project: its DAGs, streams and dead letters' }),
    readOnly: z.boolean().meta({ description: 'whether all that would change a cluster is refused' }),
    systems: z.array(z.enum(consoleSystems)).meta({ description: 'what it browses' }),
  }),
})

/** Signing in by password or by a one-time link, who one is and what there is to see, signing out. */
export function sessionRoutes(access: Access, { project, readOnly, systems }: ConsoleScope): Route[] {
  return [
    answer({
      method: 'POST',
      path: '/session',
      summary: 'Signs in: user and password, or the token of a one-time link',
      role: 'anyone',
      action: 'sign-in',
      whenReadOnly: true,
      body: z.union([z.strictObject({ user: text, password: text }), z.strictObject({ link: text })]),
      response: z.object({ name: z.string(), role: z.enum(roles) }),
      handle: async ({ body, address, setSession, note }) => {
        note({ target: 'user' in body ? body.user.slice(0, 100) : 'by link' })
        const { secret, principal } =
          'user' in body ? await access.signIn(body.user, body.password, address) : access.signInByLink(body.link)
        note({ target: principal.name, who: principal })
        setSession(secret)
        return { name: principal.name, role: principal.role }
      },
    }),
    answer({
      method: 'DELETE',
      path: '/session',
      summary: 'Signs out',
      role: 'viewer',
      action: 'sign-out',
      whenReadOnly: true,
      response: z.object({}),
      handle: ({ session, setSession }) => {
        if (session !== null) access.signOut(session.secret)
        setSession(null)
        return {}
      },
    }),
    answer({
      method: 'GET',
      path: '/me',
      summary: 'Who is signed in; `csrf` goes into the header x-millrace-csrf of every change',
      role: 'viewer',
      response: me,
      handle: ({ principal, session }) => ({
        name: principal.name,
        role: principal.role,
        csrf: session?.csrf ?? null,
        console: { project, readOnly, systems: [...systems] },
      }),
    }),
  ]
}
