import type { Compression } from '../kafka-wire/index.ts'
import { type Logger, MillraceError, parseHostPort, silentLogger, systemClock, type TlsOptions } from '../platform/index.ts'
import { resolveSasl, type SaslMechanism } from './sasl.ts'
import type { SaslOptions } from './security.ts'
import { resolveTls, type TlsIdentity } from './tls.ts'

export interface TopicPartition {
  topic: string
  partition: number
}

export interface KafkaConnectOptions {
  /** `host:port` each; the port is 9092 when left out. */
  bootstrapServers: readonly string[]
  /** Named in the broker's logs and quotas. */
  clientId: string
  /** Encrypts every connection; without it none is. */
  tls?: TlsOptions
  sasl?: SaslOptions
  /** How long one request may take, and how long a call goes on retrying it. Default 30,000. */
  requestTimeoutMs?: number
  /** Default 5,000, the handshake included. */
  connectTimeoutMs?: number
  log?: Logger
  signal?: AbortSignal
}

export interface ResolvedConnectOptions {
  readonly bootstrapServers: readonly { host: string; port: number }[]
  readonly clientId: string
  readonly tls: TlsIdentity | null
  readonly sasl: SaslMechanism | null
  readonly requestTimeoutMs: number
  /** For what a broker answers without waiting for others: past it the connection is taken for dead, and another one is opened. */
  readonly answerTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly log: Logger
}

const ANSWER_TIMEOUT_MS = 10_000

/** @throws MillraceError CONFIG_INVALID for addresses, certificates and names that cannot be used */
export function resolveConnectOptions(options: KafkaConnectOptions): ResolvedConnectOptions {
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000
  return Object.freeze({
    bootstrapServers: options.bootstrapServers.map((server) => parseHostPort(server, 9092)),
    clientId: options.clientId,
    tls: options.tls ? resolveTls(options.tls) : null,
    sasl: options.sasl ? resolveSasl(options.sasl, systemClock) : null,
    requestTimeoutMs,
    answerTimeoutMs: Math.min(requestTimeoutMs, ANSWER_TIMEOUT_MS),
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    log: options.log ?? silentLogger,
  })
}

export interface ProducerOptions {
  /** Default `all`: acknowledged when every in-sync replica has it (P1). */
  acks?: 'all' | 1
  /** Default true: a retried batch is written once (KIP-98). */
  idempotent?: boolean
  /** Default `lz4`. */
  compression?: Compression
  /** How long an unfilled batch waits for more records. Default 2. */
  lingerMs?: number
  /** A batch is closed at this uncompressed size. Default 65,536. */
  batchBytes?: number
  /** Bytes of records not yet acknowledged; above it `send` waits. Default 32 MiB. */
  maxBufferedBytes?: number
  /** From `send` to the acknowledgement, retries included. Default 120,000. */
  deliveryTimeoutMs?: number
}

export type ResolvedProducerOptions = Readonly<Required<ProducerOptions>>

export function resolveProducerOptions(options: ProducerOptions = {}): ResolvedProducerOptions {
  const idempotent = options.idempotent ?? options.acks !== 1
  return Object.freeze({
    acks: options.acks ?? 'all',
    idempotent,
    compression: options.compression ?? 'lz4',
    lingerMs: options.lingerMs ?? 2,
    batchBytes: options.batchBytes ?? 65_536,
    maxBufferedBytes: options.maxBufferedBytes ?? 32 * 1024 * 1024,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
  })
}

export interface TransactionalProducerOptions extends Omit<ProducerOptions, 'acks' | 'idempotent'> {
  /** Names the writer across restarts: the latest producer with this id fences those before it. */
  transactionalId: string
  /** Left open for longer, the coordinator aborts the transaction and fences this producer. Default 60,000; the broker's limit is 900,000. */
  transactionTimeoutMs?: number
}

export interface ResolvedTransactionalOptions extends ResolvedProducerOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
}

export function resolveTransactionalOptions(options: TransactionalProducerOptions): ResolvedTransactionalOptions {
  const { transactionalId, transactionTimeoutMs = 60_000, ...producerOptions } = options
  if (transactionalId === '') throw new MillraceError('BAD_REQUEST', 'A transactional producer needs a transactionalId that is not empty.')
  const resolved = resolveProducerOptions({ ...producerOptions, acks: 'all', idempotent: true })
  // Past the transaction's own time a delivery is of no use.
  const deliveryTimeoutMs = options.deliveryTimeoutMs ?? Math.min(resolved.deliveryTimeoutMs, transactionTimeoutMs)
  return Object.freeze({ ...resolved, deliveryTimeoutMs, transactionalId, transactionTimeoutMs })
}

/**
 * `read_committed`: records of aborted transactions are left out, and nothing is read past the last stable offset, where the first
 * transaction is still open (KIP-98). The end of a partition is that offset then.
 */
export type IsolationLevel = 'read_uncommitted' | 'read_committed'

/** The number of an isolation level in requests. */
export const isolationLevels = { read_uncommitted: 0, read_committed: 1 } as const

/** A member of a group as its coordinator knows it. */
export interface GroupMetadata {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId: string | null
}

/** A partition given to this member, with what its group had committed for it. */
export interface AssignedPartition extends TopicPartition {
  committed: { offset: bigint; leaderEpoch: number; metadata: string } | null
  /** Where `poll` begins: the committed offset, else what `startingOffsets` says. */
  position: bigint
}

export interface ConsumerOptions {
  groupId: string
  topics: readonly string[]
  /** For partitions without a committed offset. */
  startingOffsets: 'earliest' | 'latest'
  /** Of the topics, those that begin at the earliest, whatever `startingOffsets` says. */
  fromEarliest?: readonly string[]
  /** Most bytes of one fetch, except that a single larger batch is always returned. Default 1 MiB. */
  maxBytes?: number
  /** How long `poll` waits for records. Default 500. */
  maxWaitMs?: number
  /** Default `read_uncommitted`. */
  isolationLevel?: IsolationLevel
  /** Default 1. */
  minBytes?: number
  /** Without a heartbeat for this long the group gives the partitions to others. Default 10,000. */
  sessionTimeoutMs?: number
  /** How soon the member learns of a rebalance. Default 1,000, at most a third of the session. */
  heartbeatIntervalMs?: number
  /** How long a rebalance waits for this member to join. Default 60,000. */
  rebalanceTimeoutMs?: number
  /** Without a `poll` for this long the member leaves by itself. Default 300,000. */
  maxPollIntervalMs?: number
  /** Static membership (KIP-345): a restart within the session keeps the partitions. */
  groupInstanceId?: string
  /**
   * `classic`: the members assign among themselves. `consumer`: the broker does (KIP-848, Kafka 4); sessions and heartbeats are the broker's
   * then. Default `classic`.
   */
  groupProtocol?: 'classic' | 'consumer'
  /**
   * Of the classic protocol; all members of a group have the same. `range`: everything is given up at each rebalance. `cooperative-sticky`:
   * only what moves (KIP-429); `onAssigned` and `onRevoked` tell of that alone. Default `range`.
   */
  assignor?: 'range' | 'cooperative-sticky'
  /** Of the group protocol `consumer`. Default: the broker's first. */
  serverAssignor?: string
  onAssigned?(partitions: readonly AssignedPartition[], signal?: AbortSignal): Promise<void> | void
  /** Before they are given up: the owner commits here. Called from within `poll` or `close`. */
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void> | void
  /** They are already someone else's: a commit would be refused. */
  onLost?(partitions: readonly TopicPartition[]): Promise<void> | void
}

export interface ResolvedConsumerOptions extends Omit<ConsumerOptions, 'groupInstanceId' | 'serverAssignor'> {
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly isolationLevel: IsolationLevel
  readonly minBytes: number
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  readonly maxPollIntervalMs: number
  readonly groupInstanceId: string | null
  readonly groupProtocol: 'classic' | 'consumer'
  readonly assignor: 'range' | 'cooperative-sticky'
  readonly serverAssignor: string | null
}

export function resolveConsumerOptions(options: ConsumerOptions): ResolvedConsumerOptions {
  const sessionTimeoutMs = options.sessionTimeoutMs ?? 10_000
  return Object.freeze({
    ...options,
    topics: [...new Set(options.topics)].toSorted(),
    maxBytes: options.maxBytes ?? 1024 * 1024,
    maxWaitMs: options.maxWaitMs ?? 500,
    isolationLevel: options.isolationLevel ?? 'read_uncommitted',
    minBytes: options.minBytes ?? 1,
    sessionTimeoutMs,
    heartbeatIntervalMs: Math.min(options.heartbeatIntervalMs ?? 1_000, sessionTimeoutMs / 3),
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
    maxPollIntervalMs: options.maxPollIntervalMs ?? 300_000,
    groupInstanceId: options.groupInstanceId ?? null,
    groupProtocol: options.groupProtocol ?? 'classic',
    assignor: options.assignor ?? 'range',
    serverAssignor: options.serverAssignor ?? null,
  })
}

/**
 * Where a reader without a group begins. `timestampMs`: the first record at or after that time; `offsets`: of each partition its own, the
 * earliest of one that is not named.
 */
export type StartingPoint = 'earliest' | 'latest' | { offset: bigint } | { offsets: ReadonlyMap<number, bigint> } | { timestampMs: number }

export interface ReaderOptions {
  topic: string
  /** Default: all that the topic has when the reader begins. */
  partitions?: readonly number[]
  from: StartingPoint
  /** Default 1 MiB. */
  maxBytes?: number
  /** Default 500. */
  maxWaitMs?: number
  /** Default `read_uncommitted`. */
  isolationLevel?: IsolationLevel
}
