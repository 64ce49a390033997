import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { basePath } from './api/base-path.ts'
import { NotFound, PageFailed } from './frame/failures.tsx'
import { Shell } from './frame/shell.tsx'
import { Overview } from './pages/overview/overview.tsx'

/** Text that a page keeps in the URL: shareable, and back works. What is not text, or empty, is not there. */
function texts<K extends string>(...names: K[]): (search: Record<string, unknown>) => { [N in K]?: string } {
  return (search) => {
    const kept: { [N in K]?: string } = {}
    for (const name of names) {
      const value = search[name]
      if ((typeof value === 'string' || typeof value === 'number') && value !== '') kept[name] = String(value)
    }
    return kept
  }
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageFailed })
const at = <P extends string>(path: P): { getParentRoute: () => typeof root; path: P } => ({ getParentRoute: () => root, path })

// Each area is loaded when it is gone to; the first page comes with the frame.
const tree = root.addChildren([
  createRoute({ ...at('/'), component: Overview }),
  createRoute({ ...at('/dags'), component: lazyRouteComponent(() => import('./pages/dags/dags.tsx'), 'Dags') }),
  createRoute({ ...at('/dags/$dag'), component: lazyRouteComponent(() => import('./pages/dags/dag.tsx'), 'Dag') }),
  createRoute({
    ...at('/dags/$dag/runs/$run'),
    validateSearch: texts('task', 'attempt'),
    component: lazyRouteComponent(() => import('./pages/dags/run.tsx'), 'Run'),
  }),
  createRoute({
    ...at('/topics'),
    validateSearch: texts('find', 'all'),
    component: lazyRouteComponent(() => import('./pages/topics/topics.tsx'), 'Topics'),
  }),
  createRoute({
    ...at('/topics/$topic'),
    validateSearch: texts('tab', 'find', 'where', 'at'),
    component: lazyRouteComponent(() => import('./pages/topics/topic.tsx'), 'Topic'),
  }),
  createRoute({ ...at('/tables'), component: lazyRouteComponent(() => import('./pages/tables/tables.tsx'), 'Tables') }),
  createRoute({
    ...at('/tables/$keyspace/$table'),
    validateSearch: texts('key'),
    component: lazyRouteComponent(() => import('./pages/tables/table.tsx'), 'TablePage'),
  }),
  createRoute({ ...at('/cql'), validateSearch: texts('q'), component: lazyRouteComponent(() => import('./pages/tables/cql.tsx'), 'Cql') }),
  createRoute({
    ...at('/follow'),
    validateSearch: texts('key'),
    component: lazyRouteComponent(() => import('./pages/follow/follow.tsx'), 'Follow'),
  }),
  createRoute({
    ...at('/dead-letters'),
    validateSearch: texts('stream', 'reason', 'state', 'since', 'letter'),
    component: lazyRouteComponent(() => import('./pages/dead-letters/dead-letters.tsx'), 'DeadLetters'),
  }),
  createRoute({ ...at('/users'), component: lazyRouteComponent(() => import('./pages/access/users.tsx'), 'Users') }),
  createRoute({ ...at('/audit'), component: lazyRouteComponent(() => import('./pages/access/audit.tsx'), 'Audit') }),
])

export const router = createRouter({
  routeTree: tree,
  basepath: basePath === '' ? '/' : basePath,
  defaultPreload: 'intent',
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
