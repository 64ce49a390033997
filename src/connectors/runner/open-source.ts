import type { Endpoints, LoadedFlow } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { resolveFileTail } from '../file/options.ts'
import { generatorOptions } from '../generator/options.ts'
import { openHttpPoll } from '../http/open.ts'
import { resolveHttpPoll } from '../http/options.ts'
import type { HttpWorld } from '../http/request.ts'
import type { ConnectKafka } from '../kafka-records/open.ts'
import { resolveKafkaRecords } from '../kafka-records/options.ts'
import { readOptions } from '../option-table.ts'
import type { PolledSource } from '../polled-source.ts'
import { resolvePostgresQuery } from '../postgres/options.ts'
import { openRandomUser } from '../random-user/source.ts'
import { resolveRandomUser } from '../random-user/spec.ts'
import { resolveWebhook } from '../webhook/options.ts'

export interface SourceWorld extends HttpWorld {
  env: Readonly<Record<string, string | undefined>>
}

/** What sources are told of where systems are. */
export type SourceEndpoints = Pick<Endpoints, 'kafka' | 'registry' | 'randomUser' | 'projectDir'>

/**
 * The source that a flow names. Most are loaded here: whoever loads a pipeline file loads the options of all of them, and need not pay for more.
 * Rejects DEFINITION_INVALID for a connector or option that does not exist.
 */
export async function openSource(
  flow: Pick<LoadedFlow, 'source' | 'sourceFunctions'>,
  endpoints: SourceEndpoints,
  world: SourceWorld,
  { connectKafka, log }: { connectKafka: ConnectKafka; log: (line: string) => void },
): Promise<PolledSource> {
  const { connector, name, options } = flow.source
  const given = { ...options, ...flow.sourceFunctions }
  const local = { ...world, log, folder: endpoints.projectDir ?? process.cwd() }
  switch (connector) {
    case 'random_user':
      return openRandomUser(resolveRandomUser(name, options), endpoints.randomUser, world, log)
    case 'http_poll':
      return openHttpPoll(resolveHttpPoll(name, options), { world, env: world.env, log })
    case 'generator': {
      const { openGenerator } = await import('../generator/source.ts')
      return openGenerator(name, readOptions(generatorOptions, name, given), world.clock)
    }
    case 'file_tail': {
      const { openFileTail } = await import('../file/source.ts')
      return openFileTail(name, resolveFileTail(name, given), local)
    }
    case 'webhook': {
      const { openWebhook } = await import('../webhook/source.ts')
      return openWebhook(name, resolveWebhook(name, options), local)
    }
    case 'kafka_records': {
      const { openKafkaRecordsBy } = await import('../kafka-records/open.ts')
      return openKafkaRecordsBy(name, resolveKafkaRecords(name, given), { ...local, endpoints, connectKafka })
    }
    case 'postgres_query': {
      const { openPostgresQuery } = await import('../postgres/source.ts')
      return openPostgresQuery(name, resolvePostgresQuery(name, options), local)
    }
    default:
      throw new MillraceError('DEFINITION_INVALID', `Source "${name}": there is no connector "${connector}".`)
  }
}
