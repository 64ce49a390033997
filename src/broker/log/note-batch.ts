import type { BatchHeader } from '../../kafka-wire/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { readMarker } from './control-records.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { sequenceAfter, type ProducerBatch, type ProducerStates } from './producer-states.ts'
import type { Segment } from './segment.ts'

/** What a log knows of its batches: kept while it appends, built again while it recovers. */
export interface LogKnowledge {
  readonly segment: Segment
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
  readonly config: TopicConfig
  readonly nowMs: number
}

/** Notes a batch that lies at the end of the segment: indexes, leader epoch, producer, and for a marker what it ends. */
export function noteBatch(log: LogKnowledge, header: BatchHeader, bytes: Uint8Array, at: number): void {
  const { segment, producers, epochs, config, nowMs } = log
  const batch = producerBatch(header)
  segment.noteBatch(batch.lastOffset, header.sizeBytes, batch.timestampMs, config.indexIntervalBytes)
  epochs.note(header.partitionLeaderEpoch, batch.baseOffset)
  if (header.producerId < 0n) return
  const producerId = Number(header.producerId)
  if (!header.isControl) {
    // A batch that compaction left for its sequence alone opens no transaction: the marker that ended it may be gone.
    const transactional = header.isTransactional && header.recordCount > 0
    return producers.note(producerId, header.producerEpoch, batch, { seenMs: nowMs, transactional })
  }
  const marker = readMarker(bytes, at, header)
  if (!marker) return
  const { baseOffset: offset, timestampMs } = batch
  const ended = producers.noteMarker(producerId, marker.epoch, {
    offset,
    timestampMs,
    coordinatorEpoch: marker.coordinatorEpoch,
    seenMs: nowMs,
  })
  // KIP-98: an abort that ends nothing here has no entry; readers would wait for its records.
  if (!ended || marker.commit) return
  const lastStableOffset = producers.firstOpenOffset() ?? offset + 1
  segment.aborted.append({ producerId, firstOffset: ended.firstOffset, lastOffset: offset, lastStableOffset })
}

export function producerBatch(header: BatchHeader): ProducerBatch {
  const baseOffset = Number(header.baseOffset)
  return {
    firstSequence: header.baseSequence,
    lastSequence: sequenceAfter(header.baseSequence, header.lastOffsetDelta),
    baseOffset,
    lastOffset: baseOffset + header.lastOffsetDelta,
    timestampMs: Number(header.maxTimestamp),
  }
}
