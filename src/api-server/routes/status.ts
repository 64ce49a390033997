import { z } from 'zod'
import { hidesPersonal, withheldStatus } from '../data/withheld.ts'
import { answer, events, type Route } from '../http/route.ts'
import { doctorReport, runView, statusView } from '../schemas/views.ts'
import type { LiveFeed } from '../live-feed.ts'
import type { ApiPorts } from '../ports.ts'

export function statusRoutes(ports: ApiPorts, feed: LiveFeed): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/status',
      summary: 'What runs where, and how much went through',
      role: 'viewer',
      response: statusView,
      handle: async ({ principal }) => {
        const status = await ports.status()
        return hidesPersonal(principal, ports.masking()) ? withheldStatus(status) : status
      },
    }),
    answer({
      method: 'GET',
      path: '/doctor',
      summary: 'Source, topic, stream, table: where and why it stops',
      role: 'viewer',
      response: doctorReport,
      handle: ({ principal }) => ports.doctor({ hidePersonal: hidesPersonal(principal, ports.masking()) }),
    }),
    answer({
      method: 'GET',
      path: '/project',
      summary: 'What the pipeline files define: topics, tables, streams, DAGs',
      role: 'viewer',
      // The definitions as `core` has them: many kinds of nodes, which change with the language.
      response: z.looseObject({ name: z.string() }),
      handle: () => ({ ...ports.project() }),
    }),
    events({
      method: 'GET',
      path: '/events',
      summary: 'Status and latest runs, each time they changed; resumes from Last-Event-ID',
      role: 'viewer',
      events: { status: statusView, runs: z.array(runView) },
      handle: ({ lastEventId, signal, principal }) => feed.read(lastEventId, signal, () => hidesPersonal(principal, ports.masking())),
    }),
    answer({
      method: 'GET',
      path: '/endpoints',
      summary: 'Addresses with their credentials, for the command line',
      role: 'admin',
      onlyBySocket: true,
      response: z.looseObject({}),
      handle: async () => ({ ...(await ports.endpoints()) }),
    }),
  ]
}
