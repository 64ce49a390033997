import { partitionForKey } from './murmur2.ts'

/** Keyed records by hash, as Java's client; null keys stay with one partition until its batch is full (KIP-480). */
export class Partitioner {
  readonly #sticky = new Map<string, number>()
  readonly #random: () => number

  /** @param random gives [0, 1) */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  partition(topic: string, key: Uint8Array | null, partitionCount: number): number {
    if (key) return partitionForKey(key, partitionCount)
    const sticky = this.#sticky.get(topic)
    if (sticky !== undefined && sticky < partitionCount) return sticky
    return this.#stickTo(topic, Math.floor(this.#random() * partitionCount))
  }

  /** Null keys go to another partition from now on. */
  batchClosed(topic: string, partition: number, partitionCount: number): void {
    if (this.#sticky.get(topic) !== partition || partitionCount < 2) return
    this.#stickTo(topic, (partition + 1 + Math.floor(this.#random() * (partitionCount - 1))) % partitionCount)
  }

  #stickTo(topic: string, partition: number): number {
    this.#sticky.set(topic, partition)
    return partition
  }
}
