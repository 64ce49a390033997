import { errorCodes, type FetchRequest } from '../../kafka-wire/index.ts'
import type { Clock } from '../../platform/index.ts'

/** A partition as a client wants it fetched. */
export interface FetchedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  readonly maxBytes: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
}

/** What the client was told last of a partition, by which incremental answers are kept short. */
interface Told {
  wanted: FetchedPartition
  highWatermark: bigint
  logStartOffset: bigint
}

interface Session {
  readonly id: number
  readonly byId: boolean
  readonly createdMs: number
  usedMs: number
  epoch: number
  /** In the order in which they are read: whatever had records goes to the end. */
  readonly partitions: Map<string, Told>
}

interface PartitionAnswer {
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly logStartOffset: bigint
  readonly divergingEpoch?: unknown
  readonly records: Uint8Array
}

/** How one fetch is to be answered. */
export interface FetchPlan {
  readonly errorCode: number
  readonly wanted: readonly FetchedPartition[]
  /** What the answer says: 0 without a session. */
  readonly sessionId: number
  /** Whether the answer has to tell of the partition, which is thereby told. */
  tells(wanted: FetchedPartition, answer: PartitionAnswer): boolean
}

/** How long a session is safe from making room for another one: Kafka's constant. */
const evictionMs = 120_000
const lastEpoch = -1
const firstEpoch = 0
const mostEpoch = 0x7fff_ffff

/**
 * Fetch sessions (KIP-227): a client names its partitions once and then only what changes, and hears only of what changed. There are
 * at most `slots` of them; when all are taken a new one takes the place of one that was long idle, or of an old one that is smaller;
 * else the client goes on without.
 */
export class FetchSessions {
  readonly #clock: Clock
  readonly #slots: number
  readonly #random: () => number
  /** The least recently used first. */
  readonly #sessions = new Map<number, Session>()

  constructor(parts: { clock: Clock; slots: number; random: () => number }) {
    this.#clock = parts.clock
    this.#slots = parts.slots
    this.#random = parts.random
  }

  get size(): number {
    return this.#sessions.size
  }

  plan(request: FetchRequest, byId: boolean): FetchPlan {
    const named = partitionsOf(request)
    if (request.sessionEpoch === lastEpoch || request.sessionEpoch === firstEpoch) {
      if (request.sessionId !== 0) this.#sessions.delete(request.sessionId)
      const session = request.sessionEpoch === firstEpoch ? this.#create(named, byId) : null
      return {
        errorCode: errorCodes.NONE,
        wanted: named,
        sessionId: session?.id ?? 0,
        tells: (wanted, answer) => told(session, wanted, answer, true),
      }
    }
    const session = this.#sessions.get(request.sessionId)
    if (!session) return refused(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
    if (session.byId !== byId) return refused(errorCodes.FETCH_SESSION_TOPIC_ID_ERROR)
    if (session.epoch !== request.sessionEpoch) return refused(errorCodes.INVALID_FETCH_SESSION_EPOCH)
    return this.#goOn(session, named, request)
  }

  #goOn(session: Session, named: readonly FetchedPartition[], request: FetchRequest): FetchPlan {
    for (const wanted of named) {
      const known = session.partitions.get(keyOf(wanted))
      if (known) known.wanted = wanted
      else session.partitions.set(keyOf(wanted), untold(wanted))
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData)
      for (const partition of partitions) session.partitions.delete(keyOf({ topic, topicId, partition }))
    this.#sessions.delete(session.id)
    if (session.partitions.size === 0) return { errorCode: errorCodes.NONE, wanted: [], sessionId: 0, tells: () => true }
    this.#sessions.set(session.id, session)
    session.usedMs = this.#clock.nowMs()
    session.epoch = session.epoch === mostEpoch ? 1 : session.epoch + 1
    const wanted = [...session.partitions.values()].map((one) => one.wanted)
    return { errorCode: errorCodes.NONE, wanted, sessionId: session.id, tells: (one, answer) => told(session, one, answer, false) }
  }

  #create(named: readonly FetchedPartition[], byId: boolean): Session | null {
    if (named.length === 0 || !this.#hasRoom(named.length)) return null
    const nowMs = this.#clock.nowMs()
    const partitions = new Map(named.map((wanted) => [keyOf(wanted), untold(wanted)]))
    const session: Session = { id: this.#freeId(), byId, createdMs: nowMs, usedMs: nowMs, epoch: 1, partitions }
    this.#sessions.set(session.id, session)
    return session
  }

  #freeId(): number {
    for (;;) {
      const id = 1 + Math.floor(this.#random() * (mostEpoch - 1))
      if (!this.#sessions.has(id)) return id
    }
  }

  /** Whether there is room for one more; makes some where it may. */
  #hasRoom(partitions: number): boolean {
    if (this.#slots === 0) return false
    if (this.#sessions.size < this.#slots) return true
    const beforeMs = this.#clock.nowMs() - evictionMs
    const [oldest] = this.#sessions.values()
    const sessions = [...this.#sessions.values()]
    const evicted =
      oldest && oldest.usedMs < beforeMs
        ? oldest
        : sessions
            .filter((one) => one.createdMs < beforeMs && one.partitions.size < partitions)
            .toSorted((a, b) => a.partitions.size - b.partitions.size)[0]
    return evicted !== undefined && this.#sessions.delete(evicted.id)
  }
}

function refused(errorCode: number): FetchPlan {
  return { errorCode, wanted: [], sessionId: 0, tells: () => false }
}

function untold(wanted: FetchedPartition): Told {
  return { wanted, highWatermark: -1n, logStartOffset: -1n }
}

function keyOf({ topic, topicId, partition }: Pick<FetchedPartition, 'topic' | 'topicId' | 'partition'>): string {
  return `${topic} ${topicId} ${partition}`
}

function partitionsOf(request: FetchRequest): FetchedPartition[] {
  return request.topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({
      topic,
      topicId,
      partition: partition.partition,
      fetchOffset: Number(partition.fetchOffset),
      maxBytes: partition.partitionMaxBytes,
      currentLeaderEpoch: partition.currentLeaderEpoch,
      lastFetchedEpoch: partition.lastFetchedEpoch,
    })),
  )
}

/** Notes what the client is told; records, errors and offsets that moved are news, and a full answer tells everything. */
function told(session: Session | null, wanted: FetchedPartition, answer: PartitionAnswer, isFull: boolean): boolean {
  const key = keyOf(wanted)
  const before = session?.partitions.get(key)
  if (!session || !before) return isFull
  const isNews =
    answer.records.length > 0 ||
    answer.errorCode !== errorCodes.NONE ||
    answer.divergingEpoch !== undefined ||
    answer.highWatermark !== before.highWatermark ||
    answer.logStartOffset !== before.logStartOffset
  // After an error the client is told how things stand as soon as they are well again.
  before.highWatermark = answer.errorCode === errorCodes.NONE ? answer.highWatermark : -1n
  before.logStartOffset = answer.logStartOffset
  if (answer.records.length > 0 && !isFull) {
    session.partitions.delete(key)
    session.partitions.set(key, before)
  }
  return isFull || isNews
}
