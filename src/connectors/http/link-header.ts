/** The target of the link with `rel` in a Link header (RFC 8288), as it stands there; null when there is none. */
export function linkTarget(header: string | null, rel: string): string | null {
  const wanted = rel.toLowerCase()
  for (const [, target = '', parameters = ''] of (header ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g,
  )) {
    const relation = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters)
    const names = (relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/)
    if (names.includes(wanted)) return target
  }
  return null
}
