import type { Endpoints, LoadedFlow } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { openHttpPoll } from '../http/open.ts'
import { resolveHttpPoll } from '../http/options.ts'
import type { HttpWorld } from '../http/request.ts'
import type { PolledSource } from '../polled-source.ts'
import { openRandomUser } from '../random-user/source.ts'
import { resolveRandomUser } from '../random-user/spec.ts'

export interface SourceWorld extends HttpWorld {
  env: Readonly<Record<string, string | undefined>>
}

/** The source that a flow names. Throws DEFINITION_INVALID for a connector or option that does not exist. */
export function openSource(
  flow: Pick<LoadedFlow, 'source' | 'sourceFunctions'>,
  endpoints: Pick<Endpoints, 'randomUser'>,
  world: SourceWorld,
  log: (line: string) => void,
): PolledSource {
  const { connector, name, options } = flow.source
  switch (connector) {
    case 'random_user':
      return openRandomUser(resolveRandomUser(name, options), endpoints.randomUser, world, log)
    case 'http_poll':
      return openHttpPoll(resolveHttpPoll(name, options), { world, env: world.env, functions: flow.sourceFunctions, log })
    default:
      throw new MillraceError(
        'DEFINITION_INVALID',
        `Source "${name}": there is no connector "${connector}"; there are random_user and http_poll.`,
      )
  }
}
