import type { ConsumerMember } from './member.ts'
import { each } from './partitions.ts'

/** The members of a group, and which of them has a partition or is giving it up. */
export class Roster {
  readonly #members = new Map<string, ConsumerMember>()
  /** Member ids by topic id and partition. */
  readonly #owners = new Map<string, Map<number, string>>()

  get size(): number {
    return this.#members.size
  }
  get all(): readonly ConsumerMember[] {
    return [...this.#members.values()]
  }
  get(memberId: string): ConsumerMember | undefined {
    return this.#members.get(memberId)
  }
  /** The member behind a request: a static one is found by its instance id alone. */
  find(memberId: string, instanceId: string | null): ConsumerMember | undefined {
    return instanceId === null ? this.#members.get(memberId) : this.all.find((member) => member.instanceId === instanceId)
  }

  isFreeFor(memberId: string, topicId: string, partition: number): boolean {
    const owner = this.#owners.get(topicId)?.get(partition)
    return owner === undefined || owner === memberId
  }

  /** Adds a member, or takes it as it is now. */
  put(member: ConsumerMember): void {
    const before = this.#members.get(member.id)
    if (before) this.#release(before)
    this.#members.set(member.id, member)
    for (const held of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partition] of each(held)) {
        const owners = this.#owners.get(topicId) ?? new Map<number, string>()
        this.#owners.set(topicId, owners.set(partition, member.id))
      }
    }
  }

  drop(member: ConsumerMember): void {
    this.#release(member)
    this.#members.delete(member.id)
  }

  #release({ id, assigned, pendingRevocation }: ConsumerMember): void {
    for (const held of [assigned, pendingRevocation]) {
      for (const [topicId, partition] of each(held)) {
        const owners = this.#owners.get(topicId)
        if (owners?.get(partition) === id) owners.delete(partition)
        if (owners?.size === 0) this.#owners.delete(topicId)
      }
    }
  }
}
