/** The noun as its count wants it, `record` or `records`, of nouns that take an s; `null` is a count that nobody knows. */
export function plural(count: number | bigint | null, noun: string): string {
  return count !== null && BigInt(count) === 1n ? noun : `${noun}s`
}
