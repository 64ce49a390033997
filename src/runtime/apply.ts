import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Endpoints, PlanView } from '../core/index.ts'
import { MillraceError, silentLogger } from '../platform/index.ts'
import { findConfig, startLoading } from './children/loading.ts'
import { createClients } from './clients.ts'
import { notEmbedded, resolveEndpoints } from './endpoints.ts'
import { planProject } from './plan.ts'
import { provision, type Provision } from './provision.ts'
import { settingsBy } from './load-settings.ts'

export interface PlanOptions {
  projectDir: string
  env: Readonly<Record<string, string | undefined>>
  /** Of the running Millrace; null: none runs, and its embedded parts cannot be asked. */
  running: Pick<Endpoints, 'kafka' | 'cassandra' | 'registry'> | null
  signal: AbortSignal
}

/** What the pipeline files, as they are now, would change; and, where `apply` asks for that, the changes, which are told one by one. */
export async function planOrApply(options: PlanOptions, apply: boolean): Promise<{ plan: PlanView; made: string[] | null }> {
  const { env, running, signal } = options
  const { configPath, projectDir } = findConfig(options.projectDir)
  const loading = startLoading({ owner: projectDir, onLine: () => undefined })
  try {
    const settings = await settingsBy(loading, { configPath, projectDir, env })
    const { project: name, dataDir, pipelines: globs } = settings
    const { project } = await loading.pipelines({ name, projectDir, bundlesDir: join(dataDir, 'bundles'), globs })
    const endpoints = running ?? resolveEndpoints(settings, notEmbedded)
    const unasked = {
      kafka: running === null && settings.kafka.remote === null,
      cassandra: running === null && settings.cassandra.remote === null,
      change: existsSync(join(dataDir, 'kafka')) ? ('unknown' as const) : ('create' as const),
    }
    await using clients = createClients(endpoints, { owner: projectDir, onLine: () => undefined })
    const provisioning: Provision = { project, endpoints, clients, settings, log: silentLogger, signal }
    const plan = await planProject(provisioning, unasked)
    if (!apply || plan.verdict !== 'changes') return { plan, made: null }
    if (plan.unknown.length > 0) throw new MillraceError('NOT_RUNNING', `Nothing was changed: ${plan.unknown.join(' ')}`)
    const { made } = await provision(provisioning)
    return { plan, made }
  } finally {
    loading.close()
  }
}
