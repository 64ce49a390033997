import { asMillraceError, listenTcp, Releasers, type TcpServer } from '../platform/index.ts'
import { adoptKafkaFolder } from './adoption/adopt-kafka.ts'
import { GroupCoordinator } from './groups/coordinator.ts'
import { OffsetsStore } from './groups/offsets-store.ts'
import { LogDirectory } from './log/log-directory.ts'
import { Connection } from './network/connection.ts'
import { accountsOf, resolveOptions, type BrokerHandle, type BrokerOptions, type Recovered, type ResolvedOptions } from './options.ts'
import { FetchSessions } from './requests/fetch-sessions.ts'
import type { BrokerState } from './requests/handler.ts'
import { Accounts } from './security/accounts.ts'
import { ScramCredentials } from './security/scram-credentials.ts'
import { Catalogue } from './topics/catalogue.ts'
import { Topics } from './topics/topics.ts'
import { TransactionCoordinator } from './transactions/coordinator.ts'
import { StateStore } from './transactions/state-store.ts'

/**
 * Starts the broker in this thread: recovers the data folder, then listens. Aborting the signal during the start stops it;
 * afterwards it closes the broker.
 * @throws MillraceError CREDENTIALS_REQUIRED (P8), CONFIG_INVALID, DATA_CORRUPT, DATA_DIR_NEWER, PORT_BUSY, DISK_FULL, DISK_FAILED
 */
export async function startBroker(options: BrokerOptions, context: { signal?: AbortSignal } = {}): Promise<BrokerHandle> {
  const { signal } = context
  const resolved = resolveOptions(options)
  const releasers = new Releasers()
  try {
    signal?.throwIfAborted()
    const { broker, recovered } = await openData(resolved, releasers)
    signal?.throwIfAborted()
    const listeners = await listen(resolved, broker, releasers)
    resolved.log.info('the broker listens', { listeners: listeners.map(({ host, port }) => `${host}:${port}`), ...recovered })
    return handle(listeners, recovered, releasers, resolved, signal)
  } catch (error) {
    await releasers.close()
    throw asMillraceError(signal?.aborted ? signal.reason : error, signal?.aborted ? 'CANCELLED' : 'INTERNAL')
  }
}

/** Recovers the data folder: the broker, all but its sockets. What is added to `releasers` closes it. */
export async function openData(options: ResolvedOptions, releasers: Releasers): Promise<{ broker: BrokerState; recovered: Recovered }> {
  const { disk, clock, log, config, flush, dataDir } = options
  adoptKafkaFolder(disk, dataDir, log)
  const catalogue = new Catalogue(disk, dataDir, options.clusterId)
  const scram = new ScramCredentials(disk, dataDir)
  const logs = new LogDirectory({ disk, clock, log, flush, leaderEpoch: catalogue.leaderEpoch }, dataDir)
  releasers.add('logs', () => logs.close())
  const topics = new Topics({ catalogue, logs, config, log })
  const recovered = await topics.open()
  const groups = new GroupCoordinator({ store: new OffsetsStore({ topics, config, clock, log }), topics, config, clock })
  groups.restore(log)
  await groups.forgetMissingTopics()
  groups.startExpiry(log)
  releasers.add('groups', () => groups.close())
  const store = new StateStore({ topics, config, clock, log })
  const transactions = new TransactionCoordinator({ store, topics, groups, catalogue, config, clock, log })
  await transactions.restore()
  releasers.add('transactions', () => transactions.close())
  logs.start({
    retentionIntervalMs: config.number('log.retention.check.interval.ms'),
    compactionIntervalMs: config.flag('log.cleaner.enable') ? config.number('log.cleaner.backoff.ms') : null,
    producerExpirationMs: config.number('producer.id.expiration.ms'),
  })
  const fetchSessions = new FetchSessions({
    clock,
    slots: config.number('max.incremental.fetch.session.cache.slots'),
    random: Math.random,
  })
  const { clusterId } = catalogue
  return { broker: { clusterId, config, clock, log, catalogue, topics, groups, transactions, scram, fetchSessions }, recovered }
}

async function listen(options: ResolvedOptions, broker: BrokerState, releasers: Releasers): Promise<TcpServer[]> {
  const servers: TcpServer[] = []
  for (const listener of options.listeners) {
    // Known before the first connection comes: it is only looked at when a request is answered.
    const advertised = { host: listener.advertisedHost ?? listener.host, port: listener.advertisedPort ?? listener.port }
    const given = accountsOf(listener)
    const accounts = given && new Accounts(given, broker.scram)
    const server = await listenTcp({
      host: listener.host,
      port: listener.port,
      ...(listener.tls ? { tls: listener.tls } : {}),
      onConnection: (socket) => new Connection(socket, { broker, log: options.log, advertised, accounts, intercept: options.intercept }),
    })
    if (advertised.port === 0) advertised.port = server.port
    releasers.add(`listener ${server.port}`, () => server.close())
    servers.push(server)
  }
  return servers
}

function handle(
  servers: readonly TcpServer[],
  recovered: Recovered,
  releasers: Releasers,
  { log }: ResolvedOptions,
  signal?: AbortSignal,
): BrokerHandle {
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort)
    closing ??= releasers.close().catch((error: unknown) => log.warn('closing was not clean', { error: asMillraceError(error) }))
    return closing
  }
  const onAbort = (): void => void close()
  signal?.addEventListener('abort', onAbort, { once: true })
  const listeners = servers.map(({ host, port }) => ({ host, port }))
  return {
    address: listeners.map(({ host, port }) => `${host}:${port}`)[0] ?? '',
    // A failed disk takes single logs offline, never the broker.
    failed: new Promise<never>(() => {}),
    listeners,
    recovered,
    close,
    [Symbol.asyncDispose]: close,
  }
}
