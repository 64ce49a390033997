const format = new Intl.NumberFormat('en-US')

/** A count with separators; `?` while its system cannot be asked. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? '?' : format.format(value)
}

/** A count with its noun, of nouns that take an s. */
export function counted(value: number | null | undefined, noun: string): string {
  return `${count(value)} ${value === 1 ? noun : `${noun}s`}`
}
