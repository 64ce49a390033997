import type { DoctorReport, DoctorStep } from '../core/index.ts'
import { asMillraceError, listenTcp, type MillraceError } from '../platform/index.ts'
import { explainBusyPort, probeCql, probeKafka, type BusyPort } from './embedded.ts'
import { busyRegistry } from './registry.ts'
import { loadSettings } from './load-settings.ts'

/** The doctor when nothing runs: what would keep a start from succeeding. */
export async function diagnoseStopped(options: {
  projectDir: string
  env: Readonly<Record<string, string | undefined>>
}): Promise<DoctorReport> {
  const settings = await loadSettings(options)
  const steps: DoctorStep[] = []
  const check = async (at: DoctorStep['at'], name: string, port: number, busy: BusyPort): Promise<void> => {
    const problem = await portProblem(settings.host, port, busy)
    steps.push({
      at,
      name,
      state: problem === null ? 'ok' : 'stopped',
      found: problem === null ? `port ${port} is free` : `port ${port} is taken`,
      because: problem?.message ?? null,
    })
  }
  if (settings.kafka.remote === null) {
    await check('topic', 'kafka', settings.kafka.port, {
      what: 'Kafka',
      variable: 'MILLRACE_KAFKA_PORT',
      use: 'MILLRACE_KAFKA_BOOTSTRAP_SERVERS',
      probe: probeKafka,
    })
  }
  if (settings.cassandra.remote === null) {
    await check('table', 'cassandra', settings.cassandra.port, {
      what: 'CQL',
      variable: 'MILLRACE_CQL_PORT',
      use: 'MILLRACE_CASSANDRA_CONTACT_POINTS',
      probe: probeCql,
    })
  }
  if (settings.kafka.remote === null && settings.registry.remote === null)
    await check('registry', 'registry', settings.registry.port, busyRegistry)
  const stopped = steps.find((step) => step.state === 'stopped')
  const summary =
    stopped === undefined
      ? 'Millrace is not running: start it with "millrace start".'
      : `Millrace is not running, and a start would fail: ${stopped.because}`
  return { summary, healthy: false, steps, administrator: [] }
}

async function portProblem(host: string, port: number, busy: BusyPort): Promise<MillraceError | null> {
  if (port === 0) return null
  try {
    await (await listenTcp({ host, port, onConnection: (socket) => socket.destroy() })).close()
    return null
  } catch (error) {
    return asMillraceError(await explainBusyPort(error, busy))
  }
}
