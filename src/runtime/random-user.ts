import { randomBytes } from 'node:crypto'
import { chooseRandomUser, startRandomUserStandIn } from '../connectors/index.ts'
import type { RandomUserEndpoint } from '../core/index.ts'
import type { Logger, Part } from '../platform/index.ts'
import type { SchedulerHandle } from '../scheduler/index.ts'
import type { Settings } from '../settings/index.ts'

/** Decides once a start which RandomUser server is used; the seed is made once per project, so that a retry repeats its users. */
export async function resolveRandomUser(
  settings: Settings,
  scheduler: SchedulerHandle,
  log: Logger,
): Promise<{ endpoint: RandomUserEndpoint; standIn: Part | null }> {
  const seed = await scheduler.setting('random-user.seed', randomBytes(8).toString('hex'))
  return chooseRandomUser({
    mode: settings.randomUserMode,
    url: settings.randomUserUrl,
    seed,
    startLocal: () => startRandomUserStandIn({ host: '127.0.0.1', port: 0, log }),
    log,
  })
}
