/** Bytes that are not what the protocol says they should be, or a message that its version cannot express. The only thing this room throws. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** What a decoder answers when malformed input is an expected failure rather than a bug. */
export type Decoded<T> = { ok: true; body: T } | { ok: false; reason: string }

/** Runs a decoder; a WireError becomes a value, anything else is a bug and passes. */
export function decoded<T>(decode: () => T): Decoded<T> {
  try {
    return { ok: true, body: decode() }
  } catch (error) {
    if (error instanceof WireError) return { ok: false, reason: error.message }
    throw error
  }
}
