import { decodeBatch, Reader, readBatchHeader, WireError } from '../../kafka-wire/index.ts'
import type { Disk } from '../../platform/index.ts'
import { asBuffer, batchHeaderBytes, batchSizeAt } from '../log/batch-view.ts'
import type { ScramChange } from '../security/scram-credentials.ts'
import { mechanismOf } from '../security/scram-mechanism-numbers.ts'

/** What KRaft's log says of the topics of a node, by topic id. */
export interface ClusterMetadata {
  readonly topics: ReadonlyMap<string, { readonly name: string; readonly partitions: number }>
  /** By topic name: what was set for it. */
  readonly configs: ReadonlyMap<string, Readonly<Record<string, string>>>
  readonly scram: readonly ScramChange[]
  /** First producer id that was not given out. */
  readonly nextProducerId: number
}

/** KRaft's records (metadata/*.json of Kafka 4): the number of the message, in the frame before it. */
const records = {
  topic: 2,
  partition: 3,
  config: 4,
  removeTopic: 9,
  scram: 11,
  producerIds: 15,
  removeScram: 22,
  begin: 23,
  end: 24,
  abort: 25,
} as const
const topicResource = 2
const folder = '__cluster_metadata-0'

/** Reads the newest snapshot of `__cluster_metadata` and the log behind it; null where there is none (ZooKeeper kept it). */
export function readClusterMetadata(disk: Disk, dataDir: string): ClusterMetadata | null {
  const dir = `${dataDir}/${folder}`
  const names = disk.list(dir)
  const snapshot = names.findLast((name) => /^\d{20}-\d{10}\.checkpoint$/.test(name))
  const from = snapshot === undefined ? 0 : Number(snapshot.slice(0, 20))
  const state = new MetadataState()
  if (snapshot !== undefined) for (const { value } of valuesIn(asBuffer(disk.readFile(`${dir}/${snapshot}`)))) state.take(value)
  for (const name of names.filter((each) => /^\d{20}\.log$/.test(each))) {
    for (const { offset, value } of valuesIn(asBuffer(disk.readFile(`${dir}/${name}`)))) if (offset >= from) state.take(value)
  }
  return names.length === 0 ? null : state
}

function* valuesIn(bytes: Buffer): Generator<{ offset: number; value: Uint8Array }> {
  for (let at = 0; at + batchHeaderBytes <= bytes.length; at += batchSizeAt(bytes, at)) {
    const header = readBatchHeader(bytes, at)
    if (!header || at + header.sizeBytes > bytes.length) return
    const decoded = header.isControl ? null : decodeBatch(bytes, at, header)
    for (const { offset, value } of decoded?.ok ? decoded.records : []) if (value) yield { offset: Number(offset), value }
  }
}

class MetadataState implements ClusterMetadata {
  readonly topics = new Map<string, { name: string; partitions: number }>()
  readonly configs = new Map<string, Record<string, string>>()
  readonly #scram = new Map<string, ScramChange>()
  /** Of a transaction of the controller that is not over. */
  #held: Uint8Array[] | null = null
  nextProducerId = 0

  get scram(): readonly ScramChange[] {
    return [...this.#scram.values()]
  }

  /** One record: frame version, number and version of the message (varints), the message (flexible). What is not known is passed over. */
  take(value: Uint8Array): void {
    const reader = new Reader(value)
    reader.unsignedVarint()
    const kind = reader.unsignedVarint()
    reader.unsignedVarint()
    if (this.#held && kind !== records.end && kind !== records.abort) return void this.#held.push(value)
    switch (kind) {
      case records.begin:
        this.#held = []
        return
      case records.end:
      case records.abort:
        return this.#release(kind === records.end)
      case records.topic:
        return this.#topic(text(reader), reader.uuid())
      case records.partition:
        return this.#partition(reader.int32(), reader.uuid())
      case records.config:
        return this.#config(reader)
      case records.removeTopic:
        return this.#remove(reader.uuid())
      case records.producerIds:
        reader.int32()
        reader.int64()
        this.nextProducerId = Number(reader.int64())
        return
      case records.scram:
      case records.removeScram:
        return this.#credential(reader, kind === records.scram)
    }
  }

  /** KIP-868 */
  #release(committed: boolean): void {
    const held = this.#held ?? []
    this.#held = null
    if (committed) for (const value of held) this.take(value)
  }

  #topic(name: string, id: string): void {
    this.topics.set(id, { name, partitions: 0 })
  }

  #partition(partition: number, id: string): void {
    const topic = this.topics.get(id)
    if (topic) topic.partitions = Math.max(topic.partitions, partition + 1)
  }

  #config(reader: Reader): void {
    if (reader.int8() !== topicResource) return
    const topic = text(reader)
    const name = text(reader)
    const value = reader.string(true)
    const { [name]: _, ...others } = this.configs.get(topic) ?? {}
    this.configs.set(topic, value === null ? others : { ...others, [name]: value })
  }

  #remove(id: string): void {
    this.configs.delete(this.topics.get(id)?.name ?? '')
    this.topics.delete(id)
  }

  #credential(reader: Reader, isSet: boolean): void {
    const username = text(reader)
    const mechanism = mechanismOf(reader.int8())
    if (!mechanism) return
    const key = `${mechanism} ${username}`
    this.#scram.delete(key)
    if (!isSet) return
    const [salt, storedKey, serverKey] = [blob(reader), blob(reader), blob(reader)]
    this.#scram.set(key, { username, mechanism, credential: { salt, storedKey, serverKey, iterations: reader.int32() } })
  }
}

function text(reader: Reader): string {
  const found = reader.string(true)
  if (found === null) throw new WireError('a name is null')
  return found
}

const blob = (reader: Reader): Buffer => Buffer.from(reader.bytes(true) ?? new Uint8Array())
