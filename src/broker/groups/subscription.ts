import { Reader, WireError } from '../../kafka-wire/index.ts'

/** The topics in a consumer's subscription (ConsumerProtocolSubscription: version int16, topics array of strings, …); null when the bytes are none. */
export function subscribedTopics(metadata: Uint8Array): string[] | null {
  try {
    const reader = new Reader(metadata)
    if (reader.int16() < 0) return null
    const count = reader.arrayLength(false, 2) ?? 0
    return Array.from({ length: count }, () => reader.string(false) ?? '')
  } catch (error) {
    if (error instanceof WireError) return null
    throw error
  }
}
