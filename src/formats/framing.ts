/** Confluent's framing: the byte 0, the schema's id (4 bytes, highest first), then the value. */
export const framingBytes = 5

/** The id of the schema that a framed value was written with; null when the bytes are not framed. */
export function framedId(bytes: Uint8Array): number | null {
  if (bytes.byteLength < framingBytes || bytes[0] !== 0) return null
  return (bytes[1] ?? 0) * 2 ** 24 + (((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0))
}
