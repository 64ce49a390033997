/** True when `bytes[start, end)` is the UTF-8 text `key`. ASCII keys, which is nearly all, are compared without making a string. */
export function keyMatches(bytes: Uint8Array, start: number, end: number, key: string): boolean {
  const length = end - start
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    if (code >= 0x80) return Buffer.from(key).equals(bytes.subarray(start, end))
    if (i >= length || bytes[start + i] !== code) return false
  }
  return key.length === length
}
