import { Reader, WireError, Writer } from '../../kafka-wire/index.ts'
import type { Partitions, Transaction, TransactionStatus } from './transaction.ts'

/** By the number in the record (Kafka's TransactionState); 6 (Dead) and 7 (PrepareEpochFence) are never written. */
const statuses: readonly TransactionStatus[] = ['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort']

/** Key of `__transaction_state` (TransactionLogKey 0): version int16, transactional id string. */
export function transactionKey(transactionalId: string): Uint8Array {
  const writer = new Writer()
  writer.int16(0)
  writer.string(transactionalId, false)
  return writer.whole()
}

/**
 * TransactionLogValue 1 (flexible): version int16, producer id int64, epoch int16, timeout int32, status int8, partitions
 * [topic, [int32]] or null, last update int64, start int64; tags 0: previous producer id, 1: next producer id, 2: client
 * transaction version int16.
 */
export function transactionValue(transaction: Transaction): Uint8Array {
  const writer = new Writer()
  writer.int16(1)
  writer.int64(BigInt(transaction.producerId))
  writer.int16(transaction.epoch)
  writer.int32(transaction.timeoutMs)
  writer.int8(statuses.indexOf(transaction.status))
  // As Kafka: null where there is no transaction.
  if (transaction.status === 'Empty') writer.length(null, true)
  else {
    writer.length(transaction.partitions.size, true)
    for (const [topic, partitions] of transaction.partitions) {
      writer.string(topic, true)
      writer.length(partitions.size, true)
      for (const partition of partitions) writer.int32(partition)
      writer.unsignedVarint(0)
    }
  }
  writer.int64(BigInt(transaction.updateMs))
  writer.int64(BigInt(transaction.startMs))
  writeTags(writer, transaction)
  return writer.whole()
}

function writeTags(writer: Writer, { previousProducerId, nextProducerId, clientVersion }: Transaction): void {
  const longs = [previousProducerId, nextProducerId].map((id, tag) => ({ tag, id })).filter(({ id }) => id >= 0)
  writer.unsignedVarint(longs.length + (clientVersion === 0 ? 0 : 1))
  for (const { tag, id } of longs) {
    writer.unsignedVarint(tag)
    writer.unsignedVarint(8)
    writer.int64(BigInt(id))
  }
  if (clientVersion === 0) return
  writer.unsignedVarint(2)
  writer.unsignedVarint(2)
  writer.int16(clientVersion)
}

/** Reads one record; null for the transaction when the id was deleted. Throws WireError when it is not what its version says. */
export function readTransactionRecord(
  key: Uint8Array,
  value: Uint8Array | null,
): { transactionalId: string; transaction: Transaction | null } {
  const keyReader = new Reader(key)
  if (keyReader.int16() !== 0) throw new WireError('a key of an unknown version')
  const transactionalId = keyReader.string(false) ?? ''
  return { transactionalId, transaction: value === null ? null : readValue(transactionalId, new Reader(value)) }
}

function readValue(transactionalId: string, reader: Reader): Transaction {
  const version = reader.int16()
  if (version !== 0 && version !== 1) throw new WireError(`a transaction of version ${version}`)
  const flexible = version === 1
  const producerId = Number(reader.int64())
  const epoch = reader.int16()
  const timeoutMs = reader.int32()
  const status = statuses[reader.int8()]
  if (status === undefined) throw new WireError('a transaction in an unknown state')
  const partitions = readPartitions(reader, flexible)
  const updateMs = Number(reader.int64())
  const startMs = Number(reader.int64())
  const tags = { previousProducerId: -1, nextProducerId: -1, clientVersion: 0 }
  if (flexible) readTags(reader, tags)
  return { transactionalId, producerId, epoch, lastEpoch: -1, timeoutMs, status, partitions, updateMs, startMs, ...tags }
}

function readPartitions(reader: Reader, flexible: boolean): Partitions {
  const partitions = new Map<string, Set<number>>()
  for (let left = reader.arrayLength(flexible, 3) ?? 0; left > 0; left--) {
    const topic = reader.string(flexible) ?? ''
    const numbers = new Set<number>()
    for (let more = reader.arrayLength(flexible, 4) ?? 0; more > 0; more--) numbers.add(reader.int32())
    if (flexible) reader.skipTaggedFields()
    partitions.set(topic, numbers)
  }
  return partitions
}

function readTags(reader: Reader, into: { previousProducerId: number; nextProducerId: number; clientVersion: number }): void {
  for (let left = reader.unsignedVarint(); left > 0; left--) {
    const tag = reader.unsignedVarint()
    const end = reader.unsignedVarint() + reader.at
    if (tag === 0) into.previousProducerId = Number(reader.int64())
    else if (tag === 1) into.nextProducerId = Number(reader.int64())
    else if (tag === 2) into.clientVersion = reader.int16()
    reader.take(end - reader.at)
  }
}
