import { answer, type Route } from '../http/route.ts'
import type { ApiPorts } from '../ports.ts'
import { alertsView, alertTestView } from '../schemas/alert-views.ts'

export function alertRoutes({ alerts }: Pick<ApiPorts, 'alerts'>): Route[] {
  return [
    answer({
      method: 'GET',
      path: '/alerts',
      summary: 'Alerts that fire, and how their messages get to the webhook',
      role: 'viewer',
      response: alertsView,
      handle: () => alerts.view(),
    }),
    answer({
      method: 'POST',
      path: '/alerts/test',
      summary: 'Sends a test message to the webhook and tells what it answered',
      role: 'operator',
      action: 'alerts.test',
      response: alertTestView,
      handle: ({ signal }) => alerts.test(signal),
    }),
  ]
}
