/**
 * Reads a Retry-After header (RFC 9110 §10.2.3): delay in seconds, or an HTTP date.
 * @returns milliseconds from `nowMs`, never negative; null when the header is missing or unreadable
 */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  const text = header?.trim()
  if (!text) return null
  if (/^\d+$/.test(text)) return Number(text) * 1000
  // Only the three date forms of RFC 9110 §5.6.7, all of which begin with the day's name: Date.parse alone takes much more.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs)
}
