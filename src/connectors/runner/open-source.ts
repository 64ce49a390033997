import type { Endpoints, LoadedFlow } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { fileTailOptions } from '../file/options.ts'
import { openFileTail } from '../file/source.ts'
import { generatorOptions } from '../generator/options.ts'
import { openGenerator } from '../generator/source.ts'
import { openHttpPoll } from '../http/open.ts'
import { resolveHttpPoll } from '../http/options.ts'
import type { HttpWorld } from '../http/request.ts'
import { openKafkaRecordsBy, type ConnectKafka } from '../kafka-records/open.ts'
import { resolveKafkaRecords } from '../kafka-records/options.ts'
import { readOptions } from '../option-table.ts'
import type { PolledSource } from '../polled-source.ts'
import { resolvePostgresQuery } from '../postgres/options.ts'
import { openPostgresQuery } from '../postgres/source.ts'
import { openRandomUser } from '../random-user/source.ts'
import { resolveRandomUser } from '../random-user/spec.ts'
import { resolveWebhook } from '../webhook/options.ts'
import { openWebhook } from '../webhook/source.ts'

export interface SourceWorld extends HttpWorld {
  env: Readonly<Record<string, string | undefined>>
}

/** What sources are told of where systems are. */
export type SourceEndpoints = Pick<Endpoints, 'kafka' | 'registry' | 'randomUser' | 'projectDir'>

/** The source that a flow names. Throws DEFINITION_INVALID for a connector or option that does not exist. */
export function openSource(
  flow: Pick<LoadedFlow, 'source' | 'sourceFunctions'>,
  endpoints: SourceEndpoints,
  world: SourceWorld,
  { connectKafka, log }: { connectKafka: ConnectKafka; log: (line: string) => void },
): PolledSource {
  const { connector, name, options } = flow.source
  const given = { ...options, ...flow.sourceFunctions }
  const folder = endpoints.projectDir ?? process.cwd()
  switch (connector) {
    case 'random_user':
      return openRandomUser(resolveRandomUser(name, options), endpoints.randomUser, world, log)
    case 'http_poll':
      return openHttpPoll(resolveHttpPoll(name, options), { world, env: world.env, log })
    case 'generator':
      return openGenerator(name, readOptions(generatorOptions, name, given), world.clock)
    case 'file_tail':
      return openFileTail(name, readOptions(fileTailOptions, name, given), { clock: world.clock, folder, log })
    case 'webhook':
      return openWebhook(name, resolveWebhook(name, options), { clock: world.clock, env: world.env, folder, log })
    case 'kafka_records':
      return openKafkaRecordsBy(name, resolveKafkaRecords(name, given), { ...world, folder, endpoints, connectKafka, log })
    case 'postgres_query':
      return openPostgresQuery(name, resolvePostgresQuery(name, options), { ...world, folder, log })
    default:
      throw new MillraceError('DEFINITION_INVALID', `Source "${name}": there is no connector "${connector}".`)
  }
}
