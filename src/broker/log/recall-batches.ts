import { producerBatch } from './note-batch.ts'
import type { ProducerBatch, ProducerStates } from './producer-states.ts'
import { scanSegment } from './scan.ts'
import type { Segment } from './segment.ts'

/**
 * Each producer's last batches out of the segments before those that a start reads: a snapshot knows only the very last of each, and a
 * producer that heard of none of its last five sends all of them again. Reads at most `bytes`; what is damaged there is left out.
 */
export function recallBatches(segments: readonly Segment[], producers: ProducerStates, bytes: number): void {
  let left = bytes
  for (const segment of segments.toReversed()) {
    if (left <= 0 || producers.size === 0) return
    const earlier = new Map<number, ProducerBatch[]>()
    const position = segment.startBefore(segment.sizeBytes - left)
    scanSegment(segment.file, { position, offset: segment.baseOffset }, (header) => {
      const producerId = Number(header.producerId)
      if (header.isControl || producers.get(producerId)?.epoch !== header.producerEpoch) return
      earlier.set(producerId, [...(earlier.get(producerId) ?? []).slice(-4), producerBatch(header)])
    })
    for (const [producerId, batches] of earlier) producers.recall(producerId, batches)
    left -= segment.sizeBytes
  }
}
