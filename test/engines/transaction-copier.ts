import type { Batch, KafkaClient, OutgoingRecord, TransactionalProducer } from '../../src/kafka-client/index.ts'

export interface Copying {
  from: string
  to: string
  /** Of the group and the transactions. */
  name: string
  /** Of one fetch, and so of one transaction; default 4096. */
  maxBytes?: number
  /** Asked before each commit: true aborts instead. */
  mayFail?: () => boolean
  /** Called in the open transaction, after its records and offsets were sent. */
  beforeCommit?: (copied: number) => Promise<void> | void
}

const text = new TextDecoder()

export function rowsOf(batch: Batch): { key: string; value: string }[] {
  const at = (pairs: Int32Array, i: number): string => text.decode(batch.bytes.subarray(pairs[2 * i], pairs[2 * i + 1]))
  return Array.from({ length: batch.count }, (_, i) => ({ key: at(batch.keyAt, i), value: at(batch.valueAt, i) }))
}

/**
 * Copies a topic to another, each poll in one transaction with its offsets, until `count` records were copied by all copiers of this name
 * together. A static member, so that the next one has the partitions at once.
 */
export async function copyTopic(
  kafka: KafkaClient,
  { from, to, name, maxBytes = 4_096, mayFail, beforeCommit }: Copying,
  count: number,
): Promise<number> {
  await using producer = kafka.transactionalProducer({ transactionalId: name })
  await producer.init()
  await using consumer = kafka.consumer({
    groupId: name,
    groupInstanceId: name,
    topics: [from],
    startingOffsets: 'earliest',
    isolationLevel: 'read_committed',
    maxBytes,
    maxWaitMs: 100,
  })
  let copied = 0
  const next = new Map<number, bigint>()
  for (const { partition, offset } of await kafka.admin.committedOffsets(name, [from])) next.set(partition, offset)
  while ([...next.values()].reduce((sum, offset) => sum + offset, 0n) < BigInt(count)) {
    const batches = await consumer.poll()
    if (batches.length === 0) continue
    await producer.begin()
    void producer.send(batches.flatMap((batch) => recordsFor(to, batch)))
    const offsets = batches.map(({ topic, partition, nextOffset, leaderEpoch }) => ({
      topic,
      partition,
      offset: nextOffset,
      leaderEpoch,
      metadata: '',
    }))
    await producer.sendOffsets(offsets, consumer.groupMetadata())
    await beforeCommit?.(copied)
    if (mayFail?.()) {
      await producer.abort()
      for (const { topic, partition } of consumer.assignment()) consumer.seek({ topic, partition }, next.get(partition) ?? 0n)
      continue
    }
    await producer.commit()
    for (const { partition, nextOffset, count: rows } of batches) {
      next.set(partition, nextOffset)
      copied += rows
    }
  }
  return copied
}

function recordsFor(topic: string, batch: Batch): OutgoingRecord[] {
  return rowsOf(batch).map(({ key, value }) => ({ topic, key, value, partition: batch.partition }))
}

/** Keys by partition, in the order read. */
export async function readKeys(
  kafka: KafkaClient,
  topic: string,
  isolationLevel: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<string[][]> {
  await using reader = kafka.reader({ topic, from: 'earliest', isolationLevel, maxWaitMs: 100 })
  const keys: string[][] = []
  do for (const batch of await reader.poll()) (keys[batch.partition] ??= []).push(...rowsOf(batch).map(({ key }) => key))
  while (!reader.atEnd())
  return keys
}

/** One transaction of records with these keys, all to partition 0, ended as said. */
export async function writeKeys(
  producer: TransactionalProducer,
  topic: string,
  keys: readonly string[],
  outcome: 'commit' | 'abort',
): Promise<void> {
  await producer.begin()
  await producer.send(keys.map((key) => ({ topic, partition: 0, key, value: `value of ${key}` })))
  await producer[outcome]()
}
