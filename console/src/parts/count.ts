const format = new Intl.NumberFormat('en-US')

/** A count with separators; `?` while its system cannot be asked. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? '?' : format.format(value)
}
