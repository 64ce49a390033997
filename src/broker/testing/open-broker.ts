import { createLogger, Releasers, type Clock, type Disk } from '../../platform/index.ts'
import { resolveOptions } from '../options.ts'
import type { BrokerState } from '../requests/handler.ts'
import { openData } from '../start-broker.ts'

/** The broker without its sockets, in `/data`; `releasers` closes it. */
export async function openBroker(
  disk: Disk,
  clock: Clock,
  config: Record<string, string> = {},
): Promise<{ broker: BrokerState; releasers: Releasers }> {
  const releasers = new Releasers()
  const log = createLogger(() => {})
  const options = resolveOptions({ dataDir: '/data', disk, clock, log, config, listeners: [{ host: '127.0.0.1', port: 0 }] })
  const { broker } = await openData(options, releasers)
  return { broker, releasers }
}
