import { errorCodes, initProducerId } from '../kafka-wire/index.ts'
import type { Cluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import type { ProducerIdentity } from './partition-queue.ts'

const INIT_PRODUCER_ID_AT_MOST = 4
/** From Kafka 2.8 on the right to write to any topic is enough (KIP-679). */
const NO_RIGHT =
  'this user may write to no topic at all; grant Write on the topic (before Kafka 2.8 also IdempotentWrite on the cluster), or set idempotent: false'

/** Producer ids from the broker (KIP-98), one shared by all partitions until one of them must not use it any more. */
export class ProducerIdentities {
  readonly #cluster: Cluster
  readonly #purpose: string
  #shared: Promise<ProducerIdentity> | null = null
  #sharedId: bigint | null = null

  constructor(cluster: Cluster, purpose: string) {
    this.#cluster = cluster
    this.#purpose = purpose
  }

  /** An identity other than `former`. Rejects when the broker refuses, or cannot be asked in time. */
  get(former: ProducerIdentity | null): Promise<ProducerIdentity> {
    if (this.#shared && (former === null || this.#sharedId === null || this.#sharedId !== former.producerId)) return this.#shared
    this.#sharedId = null
    const asking = this.#cluster.retrying(() => this.#ask())
    this.#shared = asking
    void this.#remember(asking)
    return asking
  }

  async #remember(asking: Promise<ProducerIdentity>): Promise<void> {
    try {
      const { producerId } = await asking
      if (this.#shared === asking) this.#sharedId = producerId
    } catch {
      // Told to the caller; the next one asks again.
      if (this.#shared === asking) this.#shared = null
    }
  }

  async #ask(): Promise<ProducerIdentity> {
    const answer = await this.#cluster.ask(this.#cluster.toAny(this.#purpose), initProducerId, INIT_PRODUCER_ID_AT_MOST, () => ({
      transactionalId: null,
      transactionTimeoutMs: 0x7fffffff,
      producerId: -1n,
      producerEpoch: -1,
    }))
    if (answer.errorCode === errorCodes.CLUSTER_AUTHORIZATION_FAILED)
      throw kafkaError(answer.errorCode, 'A producer id', { message: NO_RIGHT })
    if (answer.errorCode !== errorCodes.NONE) throw kafkaError(answer.errorCode, 'A producer id')
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  }
}
