import type { RecordView } from './records.ts'

/** What one answer holds of a topic's records, whatever their size. */
export const mostBytes = 8 * 1_048_576

/** Of records in their order the last ones: no more than so many, and than `mostBytes` unless one alone has more. */
export class LastRecords {
  readonly #most: number
  readonly #kept: RecordView[] = []
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Oldest first. */
  get all(): readonly RecordView[] {
    return this.#kept
  }

  add(record: RecordView): void {
    this.#kept.push(record)
    this.#bytes += sizeOf(record)
    while (this.#kept.length > this.#most || (this.#bytes > mostBytes && this.#kept.length > 1)) {
      const dropped = this.#kept.shift()
      this.#bytes -= dropped === undefined ? 0 : sizeOf(dropped)
    }
  }
}

/** Bytes of key, value and headers. */
export function sizeOf({ key, value, headers }: RecordView): number {
  const inHeaders = headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), 0)
  return (key?.sizeBytes ?? 0) + (value?.sizeBytes ?? 0) + inHeaders
}
