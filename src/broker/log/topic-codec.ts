import { errorCodes, readBatchHeader, recompressBatch, WireError, type BatchHeader } from '../../kafka-wire/index.ts'
import type { TopicConfig } from '../topics/topic-configs.ts'
import { refuse, type Refused } from './outcomes.ts'

type Batch = { ok: true; bytes: Uint8Array; header: BatchHeader } | Refused

/** A checked batch in the codec that the topic asks for by `compression.type`; by default it stays as the producer compressed it. */
export function inTopicCodec(bytes: Uint8Array, header: BatchHeader, { compression, maxMessageBytes }: TopicConfig): Batch {
  if (compression === 'producer' || compression === header.compression) return { ok: true, bytes, header }
  try {
    const recompressed = recompressBatch(bytes, header, compression)
    if (recompressed.length > maxMessageBytes) {
      const message = `By ${compression} the batch has ${recompressed.length} bytes, more than max.message.bytes = ${maxMessageBytes}.`
      return refuse(errorCodes.MESSAGE_TOO_LARGE, message)
    }
    const changed = readBatchHeader(recompressed, 0)
    return changed ? { ok: true, bytes: recompressed, header: changed } : refuse(errorCodes.CORRUPT_MESSAGE, 'no record batch')
  } catch (error) {
    if (error instanceof WireError) return refuse(errorCodes.CORRUPT_MESSAGE, error.message)
    throw error
  }
}
