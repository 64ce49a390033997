import { errorCodes } from '../kafka-wire/index.ts'
import type { TopicPartition } from './options.ts'

/** A partition as one fetch asks for it. */
export interface FetchQuestion extends TopicPartition {
  topicId: string
  fetchOffset: bigint
  currentLeaderEpoch: number
  partitionMaxBytes: number
}

interface FetchTopic {
  topic: string
  topicId: string
  partitions: Omit<FetchQuestion, 'topic' | 'topicId'>[]
}

/** The part of a Fetch request that a session decides. */
export interface SessionRequest {
  sessionId: number
  sessionEpoch: number
  topics: FetchTopic[]
  forgottenTopicsData: { topic: string; topicId: string; partitions: number[] }[]
}

const NONE = 0
/** Asks for a session, instead of the one named if there is one. */
const INITIAL_EPOCH = 0
const MAX_EPOCH = 0x7fffffff

const sessionErrors: ReadonlySet<number> = new Set([
  errorCodes.FETCH_SESSION_ID_NOT_FOUND,
  errorCodes.INVALID_FETCH_SESSION_EPOCH,
  errorCodes.FETCH_SESSION_TOPIC_ID_ERROR,
])

/** True for answers that say nothing of partitions: the same is asked again, in another session. */
export function isSessionError(errorCode: number): boolean {
  return sessionErrors.has(errorCode)
}

/**
 * What one broker remembers of a reader (KIP-227): after the first fetch only partitions that changed are named, those no longer wanted are
 * forgotten, and only partitions with news are answered. Used by one fetch at a time: `next`, then `answered`, `refused` or `lost`.
 */
export class FetchSession {
  #id = NONE
  #epoch = INITIAL_EPOCH
  #byId = false
  /** As the broker knows them, while the session lasts. */
  #known = new Map<string, FetchQuestion>()
  #asked = new Map<string, FetchQuestion>()

  /** @param byId topics go by their ids (Fetch 13+): a session cannot change that */
  next(wanted: readonly FetchQuestion[], byId: boolean): SessionRequest {
    if (byId !== this.#byId) this.lost()
    this.#byId = byId
    this.#asked = new Map(wanted.map((question) => [keyOf(question, byId), question]))
    const isFull = this.#epoch === INITIAL_EPOCH
    const named = isFull ? wanted : wanted.filter((question) => !isSame(this.#known.get(keyOf(question, byId)), question))
    const forgotten = isFull ? [] : [...this.#known].filter(([key]) => !this.#asked.has(key)).map(([, question]) => question)
    return {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: byTopic(named).map(([first, some]) => ({ ...first, partitions: some.map(withoutTopic) })),
      forgottenTopicsData: byTopic(forgotten).map(([first, some]) => ({ ...first, partitions: some.map(({ partition }) => partition) })),
    }
  }

  /** @param sessionId of the answer; 0: the broker keeps none */
  answered(sessionId: number): void {
    const goesOn = sessionId !== NONE
    this.#id = sessionId
    this.#epoch = goesOn ? (this.#epoch === MAX_EPOCH ? 1 : this.#epoch + 1) : INITIAL_EPOCH
    this.#known = goesOn ? this.#asked : new Map()
  }

  /** By one of the errors of sessions. */
  refused(errorCode: number): void {
    this.lost()
    if (errorCode === errorCodes.FETCH_SESSION_ID_NOT_FOUND) this.#id = NONE
  }

  /** What the broker knows is unknown: the next fetch names all partitions, and has the old session closed. */
  lost(): void {
    this.#epoch = INITIAL_EPOCH
    this.#known = new Map()
  }
}

function keyOf({ topic, topicId, partition }: FetchQuestion, byId: boolean): string {
  return `${byId ? topicId : topic}-${partition}`
}

function isSame(known: FetchQuestion | undefined, question: FetchQuestion): boolean {
  return (
    known?.fetchOffset === question.fetchOffset &&
    known.currentLeaderEpoch === question.currentLeaderEpoch &&
    known.partitionMaxBytes === question.partitionMaxBytes
  )
}

function byTopic(questions: readonly FetchQuestion[]): [{ topic: string; topicId: string }, FetchQuestion[]][] {
  const groups = Map.groupBy(questions, ({ topic, topicId }) => `${topic} ${topicId}`)
  return [...groups.values()].flatMap((some) => (some[0] ? [[{ topic: some[0].topic, topicId: some[0].topicId }, some]] : []))
}

function withoutTopic({ partition, fetchOffset, currentLeaderEpoch, partitionMaxBytes }: FetchQuestion): FetchTopic['partitions'][number] {
  return { partition, fetchOffset, currentLeaderEpoch, partitionMaxBytes }
}
