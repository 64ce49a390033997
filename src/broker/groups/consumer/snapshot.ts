import type { ConsumerGroupImage } from './image.ts'
import type { ConsumerRecord, Current, Identity } from './records.ts'
import { nothingAssigned, type Partitions } from './partitions.ts'
import type { ConsumerMember } from './member.ts'

/** A consumer group as its records say, gathered one by one. */
export class ConsumerSnapshot implements ConsumerGroupImage {
  epoch = 1
  hash = 0n
  targetEpoch = 0
  readonly targets = new Map<string, Partitions>()
  readonly patterns = new Map<string, readonly string[]>()
  readonly #identities = new Map<string, Identity>()
  readonly #currents = new Map<string, Current>()
  #exists = false

  /** Whether there is such a group: its records may all have been deleted. */
  get exists(): boolean {
    return this.#exists
  }

  get members(): ConsumerMember[] {
    const fresh = { epoch: 0, previousEpoch: 0, state: 'stable', assigned: nothingAssigned, pendingRevocation: nothingAssigned } as const
    return [...this.#identities].map(([id, identity]) => ({ ...fresh, ...identity, ...this.#currents.get(id), id }))
  }

  apply(record: ConsumerRecord): void {
    switch (record.of) {
      case 'group':
        this.#exists = record.epoch !== null
        this.epoch = record.epoch?.epoch ?? 1
        this.hash = record.epoch?.metadataHash ?? 0n
        return
      case 'member':
        return put(this.#identities, record.memberId, record.identity)
      case 'target epoch':
        this.targetEpoch = record.epoch ?? 0
        return
      case 'target':
        return put(this.targets, record.memberId, record.partitions)
      case 'current':
        return put(this.#currents, record.memberId, record.current)
      case 'pattern':
        return put(this.patterns, record.pattern, record.topics)
    }
  }
}

function put<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}
