import type { DeadLetter } from './read-dead-letters.ts'

const mostBytes = 16 * 1024 * 1024

/** The letters that were read or asked for last, with their bytes; the others give way. */
export class RecentLetters {
  readonly #letters = new Map<string, { letter: DeadLetter; sizeBytes: number }>()
  #sizeBytes = 0

  put(letter: DeadLetter): void {
    this.#remove(letter.id)
    const sizeBytes = sizeOf(letter)
    this.#letters.set(letter.id, { letter, sizeBytes })
    this.#sizeBytes += sizeBytes
    for (const [id] of this.#letters) {
      if (this.#sizeBytes <= mostBytes) break
      this.#remove(id)
    }
  }

  get(id: string): DeadLetter | null {
    const kept = this.#letters.get(id)
    if (kept === undefined) return null
    this.#letters.delete(id)
    this.#letters.set(id, kept)
    return kept.letter
  }

  clear(): void {
    this.#letters.clear()
    this.#sizeBytes = 0
  }

  #remove(id: string): void {
    this.#sizeBytes -= this.#letters.get(id)?.sizeBytes ?? 0
    this.#letters.delete(id)
  }
}

/** About: a payload is there as bytes, as text and as JSON. */
function sizeOf({ key, value, headers, message, stack }: DeadLetter): number {
  const payloadBytes = (key?.bytes.byteLength ?? 0) + (value?.bytes.byteLength ?? 0)
  const headerBytes = headers.reduce((sum, header) => sum + 200 + header.key.length + (header.value?.byteLength ?? 0), 0)
  return 2_000 + 6 * payloadBytes + headerBytes + 2 * (message.length + (stack?.length ?? 0))
}
