import { errorCodes, produce, type ProduceResponse } from '../kafka-wire/index.ts'
import { asMillraceError, backoffMs, MillraceError } from '../platform/index.ts'
import type { Cluster } from './cluster.ts'
import { kafkaError, meansStaleMetadata } from './errors.ts'
import type { ResolvedProducerOptions } from './options.ts'
import { PartitionQueue, type ProducerIdentity } from './partition-queue.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { ProducerIdentities } from './producer-identity.ts'

/** From 13 on topics go by id; from 12 on a produce adds its partitions to the transaction (KIP-890). */
const PRODUCE_AT_MOST = 11
const MAX_REQUESTS_PER_NODE = 5
const MAX_REQUEST_BYTES = 1024 * 1024
/** Of the time for an answer: what the broker may wait for its replicas. */
const REPLICAS_SHARE = 0.8
/** The slowest line that produces go over: 35 kB/s, a full request in 30 s. */
const SLOWEST_BYTES_PER_MS = 35
const BACKOFF = { initialMs: 50, maxMs: 1_000 }

const lostIdentity: ReadonlySet<number> = new Set([
  errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.INVALID_PRODUCER_EPOCH,
  errorCodes.INVALID_PRODUCER_ID_MAPPING,
])

/** The transactions that batches are sent in (KIP-98). */
export interface SenderTransaction {
  readonly transactionalId: string
  /** Highest version of Produce. */
  readonly produceAtMost: number
  /** Null while nothing may be sent. */
  readonly identity: ProducerIdentity | null
  /** False while the partition is not in the transaction; the sender is woken (`drainSoon`) once it is. */
  enlist(topic: string, partition: number): boolean
  /** Records of the transaction will not be written. */
  onFailure(error: MillraceError): void
}

interface Shipment {
  queue: PartitionQueue
  batch: ProducerBatch
}

/** Moves batches from the partition queues to the leaders: few large requests, several in flight, retried until they are too old. */
export class Sender {
  readonly #cluster: Cluster
  readonly #options: ResolvedProducerOptions
  readonly #purpose: string
  readonly #identities: ProducerIdentities
  readonly #onSettled: (sizeBytes: number) => void
  readonly #queues = new Map<string, PartitionQueue[]>()
  readonly #active = new Set<PartitionQueue>()
  readonly #requestsByNode = new Map<number, number>()
  readonly #transaction: SenderTransaction | null
  /** On their way. */
  readonly #requests = new Set<Promise<void>>()
  readonly #awaitingIdentity = new Set<PartitionQueue>()
  #drainScheduled = false
  #cancelTimer: (() => void) | null = null
  #closed: MillraceError | null = null
  /** While set, open batches do not wait for more records. */
  hurry = false

  /** @param onSettled called with the bytes of every batch that was acknowledged or has failed */
  constructor(
    cluster: Cluster,
    options: ResolvedProducerOptions,
    onSettled: (sizeBytes: number) => void,
    transaction: SenderTransaction | null = null,
  ) {
    this.#cluster = cluster
    this.#options = options
    this.#purpose = cluster.newPurpose('producer')
    this.#identities = new ProducerIdentities(cluster, this.#purpose)
    this.#onSettled = onSettled
    this.#transaction = transaction
  }

  /** All it ever sent to. */
  get topics(): string[] {
    return [...this.#queues.keys()]
  }

  queue(topic: string, partition: number): PartitionQueue {
    let queues = this.#queues.get(topic)
    if (!queues) this.#queues.set(topic, (queues = []))
    return (queues[partition] ??= new PartitionQueue(topic, partition, this.#options))
  }

  /** Says that the queue has records. `now`: a batch is full, do not wait for the linger time. */
  wake(queue: PartitionQueue, now: boolean): void {
    const isNew = !this.#active.has(queue)
    if (isNew) this.#active.add(queue)
    if (now || this.hurry || this.#options.lingerMs === 0) this.drainSoon()
    else if (isNew) this.#drainAfter(this.#options.lingerMs)
  }

  drainSoon(): void {
    if (this.#drainScheduled) return
    this.#drainScheduled = true
    queueMicrotask(() => {
      this.#drainScheduled = false
      this.#drain()
    })
  }

  /** In transactions: fails all that is not acknowledged and resolves when nothing is on its way. Needs an identity of null meanwhile. */
  async abandon(error: MillraceError): Promise<void> {
    this.#abandonQueues(error)
    await Promise.all(this.#requests)
    // What came back to be sent again.
    this.#abandonQueues(error)
    this.beginAnew()
  }

  /** In transactions, with nothing on its way: the next batches are numbered from 0, as a new producer epoch wants it. */
  beginAnew(): void {
    this.#active.clear()
    this.#queues.clear()
  }

  close(error: MillraceError): void {
    this.#closed = error
    this.#cancelTimer?.()
    this.#abandonQueues(error)
    this.#active.clear()
    this.#cluster.connections.release(this.#purpose)
  }

  #abandonQueues(error: MillraceError): void {
    for (const queue of this.#active) this.#onSettled(queue.abandon(error))
  }

  #drainAfter(delayMs: number): void {
    if (this.#cancelTimer) return
    this.#cancelTimer = this.#cluster.clock.after(delayMs, () => {
      this.#cancelTimer = null
      this.#drain()
    })
  }

  #drain(): void {
    if (this.#closed) return
    const nowMs = this.#cluster.clock.monotonicMs()
    const byNode = new Map<number, Shipment[]>()
    let nextAtMs = Infinity
    for (const queue of this.#active) {
      this.#expire(queue, nowMs)
      const readyAtMs = queue.readyAtMs(this.hurry ? 0 : this.#options.lingerMs)
      if (readyAtMs === null) {
        if (queue.isEmpty) this.#active.delete(queue)
      } else if (readyAtMs > nowMs) nextAtMs = Math.min(nextAtMs, readyAtMs)
      else if (this.#mayGo(queue)) this.#ship(queue, byNode, nowMs)
    }
    for (const [nodeId, shipments] of byNode) this.#sendAll(nodeId, shipments)
    if (nextAtMs < Infinity) {
      this.#cancelTimer?.()
      this.#cancelTimer = null
      this.#drainAfter(Math.max(1, Math.ceil(nextAtMs - nowMs)))
    }
  }

  #mayGo(queue: PartitionQueue): boolean {
    const transaction = this.#transaction
    if (transaction) {
      const { identity } = transaction
      if (!identity || !transaction.enlist(queue.topic, queue.partition)) return false
      if (queue.needsIdentity) queue.identify(identity)
    } else if (queue.needsIdentity) this.#identify(queue)
    return queue.maySend
  }

  #ship(queue: PartitionQueue, byNode: Map<number, Shipment[]>, nowMs: number): void {
    const leader = this.#cluster.leader(queue.topic, queue.partition)
    if (!leader) {
      queue.retryAtMs = nowMs + backoffMs(queue.attempts++, BACKOFF)
      this.#refresh(queue.topic)
      return
    }
    if ((this.#requestsByNode.get(leader.nodeId) ?? 0) >= MAX_REQUESTS_PER_NODE) return
    const batch = queue.take()
    if (!batch) return
    const shipments = byNode.get(leader.nodeId)
    if (shipments) shipments.push({ queue, batch })
    else byNode.set(leader.nodeId, [{ queue, batch }])
  }

  /** One request, or several when the batches together are too large for one. */
  #sendAll(nodeId: number, shipments: readonly Shipment[]): void {
    let some: Shipment[] = []
    let sizeBytes = 0
    for (const shipment of shipments) {
      const batchBytes = shipment.batch.sizeBytes
      if (some.length > 0 && sizeBytes + batchBytes > MAX_REQUEST_BYTES) {
        this.#start(this.#send(nodeId, some))
        some = []
        sizeBytes = 0
      }
      some.push(shipment)
      sizeBytes += batchBytes
    }
    this.#start(this.#send(nodeId, some))
  }

  #start(request: Promise<void>): void {
    this.#requests.add(request)
    void request.then(() => this.#requests.delete(request))
  }

  /** Never rejects: what happens to each batch is told to its queue. */
  async #send(nodeId: number, shipments: readonly Shipment[]): Promise<void> {
    this.#requestsByNode.set(nodeId, (this.#requestsByNode.get(nodeId) ?? 0) + 1)
    try {
      const topicData = new Map<string, { name: string; partitionData: { index: number; records: Uint8Array }[] }>()
      for (const { queue, batch } of shipments) {
        const entry = topicData.get(queue.topic) ?? { name: queue.topic, partitionData: [] }
        topicData.set(queue.topic, entry)
        entry.partitionData.push({ index: queue.partition, records: batch.encoded(this.#options.compression, this.#transaction !== null) })
      }
      const { answerTimeoutMs } = this.#cluster.options
      const transactionalId = this.#transaction?.transactionalId ?? null
      const body = { transactionalId, acks: this.#options.acks === 'all' ? -1 : 1, topicData: [...topicData.values()] }
      // The broker says first that its replicas are late; who says nothing is gone. Either way the batch is sent again under its sequence number.
      const answer = await this.#cluster.ask(
        this.#cluster.toNode(nodeId, this.#purpose),
        produce,
        this.#transaction?.produceAtMost ?? PRODUCE_AT_MOST,
        () => ({ ...body, timeoutMs: Math.round(answerTimeoutMs * REPLICAS_SHARE) }),
        this.#timeoutMs(nodeId, shipments),
      )
      this.#onAnswer(shipments, answer)
    } catch (error) {
      this.#onFailure(shipments, asMillraceError(error))
    }
    this.#requestsByNode.set(nodeId, (this.#requestsByNode.get(nodeId) ?? 1) - 1)
    if (!this.#closed) this.drainSoon()
  }

  /** The connection is not taken for dead while all that is in flight may still be on its way there. */
  #timeoutMs(nodeId: number, shipments: readonly Shipment[]): number {
    const { answerTimeoutMs, requestTimeoutMs } = this.#cluster.options
    const sizeBytes = shipments.reduce((sum, { batch }) => sum + batch.sizeBytes, 0)
    const inFlightBytes = sizeBytes * (this.#requestsByNode.get(nodeId) ?? 1)
    return Math.min(requestTimeoutMs, answerTimeoutMs + inFlightBytes / SLOWEST_BYTES_PER_MS)
  }

  #onAnswer(shipments: readonly Shipment[], answer: ProduceResponse): void {
    for (const { queue, batch } of shipments) {
      const topic = answer.responses.find((topic) => topic.name === queue.topic)
      const said = topic?.partitionResponses.find(({ index }) => index === queue.partition)
      if (!said) this.#retry(queue, batch)
      else if (said.errorCode === errorCodes.NONE) this.#succeed(queue, batch, said.baseOffset)
      else if (said.errorCode === errorCodes.DUPLICATE_SEQUENCE_NUMBER) this.#succeed(queue, batch, -1n)
      else this.#onError(queue, batch, said.errorCode, said.errorMessage)
    }
  }

  #succeed(queue: PartitionQueue, batch: ProducerBatch, baseOffset: bigint): void {
    queue.acknowledged(batch)
    batch.acknowledge(queue.topic, queue.partition, baseOffset)
    this.#onSettled(batch.sizeBytes)
  }

  #onError(queue: PartitionQueue, batch: ProducerBatch, errorCode: number, message: string | null): void {
    const error = kafkaError(errorCode, `Producing to ${queue.topic}-${queue.partition}`, {
      message,
      details: { topic: queue.topic, partition: queue.partition },
      needs: { operation: 'Write', on: 'topic', name: queue.topic },
    })
    if (errorCode === errorCodes.MESSAGE_TOO_LARGE && batch.records.length > 1) {
      this.#onSettled(-queue.divided(batch).addedBytes)
    } else if (lostIdentity.has(errorCode) && batch.sequence && (!this.#transaction || queue.hasEarlier(batch))) {
      if (!queue.hasEarlier(batch)) queue.forgetIdentity()
      this.#retry(queue, batch)
    } else if (error.retriable) {
      if (meansStaleMetadata(errorCode)) this.#refresh(queue.topic)
      this.#retry(queue, batch)
    } else {
      queue.refused(batch)
      this.#fail(batch, error)
    }
  }

  #fail(batch: ProducerBatch, error: MillraceError): void {
    batch.fail(error)
    this.#onSettled(batch.sizeBytes)
    this.#transaction?.onFailure(error)
  }

  #onFailure(shipments: readonly Shipment[], error: MillraceError): void {
    if (!this.#closed) this.#cluster.log.debug('produce request failed', { reason: error.message })
    for (const { queue, batch } of shipments) {
      if (this.#closed || !error.retriable) {
        queue.refused(batch)
        this.#fail(batch, this.#closed ?? error)
      } else {
        this.#refresh(queue.topic)
        this.#retry(queue, batch)
      }
    }
  }

  #retry(queue: PartitionQueue, batch: ProducerBatch): void {
    queue.returned(batch, this.#cluster.clock.monotonicMs() + backoffMs(queue.attempts++, BACKOFF))
  }

  #expire(queue: PartitionQueue, nowMs: number): void {
    const { deliveryTimeoutMs } = this.#options
    for (const batch of queue.expire(nowMs - deliveryTimeoutMs)) {
      const where = `${queue.topic}-${queue.partition}`
      const message = `${batch.records.length} records for ${where} were not acknowledged within ${deliveryTimeoutMs} ms (${batch.attempts} attempts).`
      this.#fail(batch, new MillraceError('TIMED_OUT', message, { details: { topic: queue.topic, partition: queue.partition } }))
    }
  }

  #identify(queue: PartitionQueue): void {
    if (this.#awaitingIdentity.has(queue)) return
    this.#awaitingIdentity.add(queue)
    this.#identities
      .get(queue.formerIdentity)
      .then(
        (identity) => queue.identify(identity),
        (error: unknown) => this.#onNoIdentity(queue, asMillraceError(error)),
      )
      .finally(() => {
        this.#awaitingIdentity.delete(queue)
        this.drainSoon()
      })
  }

  #onNoIdentity(queue: PartitionQueue, error: MillraceError): void {
    if (error.retriable) queue.retryAtMs = this.#cluster.clock.monotonicMs() + backoffMs(queue.attempts++, BACKOFF)
    else this.#onSettled(queue.abandon(error))
  }

  #refresh(topic: string): void {
    this.#cluster.refresh([topic]).then(
      () => this.drainSoon(),
      () => this.drainSoon(),
    )
  }
}
