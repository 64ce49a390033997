/**
 * The record key of a value: the text of its key field, or a JSON array of several; null when the topic has no key.
 * A key field that is null or missing gives `ok: false`: a keyless record would lose its place in the topic's order (P2).
 */
export function recordKey(
  fields: readonly string[],
  value: Readonly<Record<string, unknown>>,
): { ok: true; key: string | null } | { ok: false; field: string } {
  const parts: (string | number | boolean)[] = []
  for (const field of fields) {
    const part = value[field]
    if (typeof part !== 'string' && typeof part !== 'number' && typeof part !== 'boolean') return { ok: false, field }
    parts.push(part)
  }
  if (parts.length === 0) return { ok: true, key: null }
  return { ok: true, key: parts.length === 1 ? String(parts[0]) : JSON.stringify(parts) }
}
