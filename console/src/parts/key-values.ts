/** The texts of a JSON array, as keys of several columns are written; none where it is no such array. */
export function keyValues(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.map(String) : []
  } catch {
    return []
  }
}
