const formats = new Map<string, Intl.DateTimeFormat>()
const dayMs = 86_400_000

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}

/** True for an IANA time zone name that this Node knows. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/** The zone's wall clock at an instant, as if it were UTC ("naive" in Airflow's words). Milliseconds are kept. */
export function toLocal(utcMs: number, zone: string): number {
  if (zone === 'UTC') return utcMs
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(utcMs)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const wholeSecondMs = Date.UTC(year, month - 1, day, hour, minute, second)
  return wholeSecondMs + (((utcMs % 1_000) + 1_000) % 1_000)
}

/**
 * The instant of a wall clock time. As Airflow's `make_aware`: an hour that comes twice means the second, a time in the
 * hour that is left out moves on by the length of the gap (02:30 becomes 03:30).
 */
export function toUtc(localMs: number, zone: string): number {
  if (zone === 'UTC') return localMs
  const offsetBeforeMs = offsetMs(localMs - dayMs, zone)
  const offsetAfterMs = offsetMs(localMs + dayMs, zone)
  const candidates = [localMs - offsetBeforeMs, localMs - offsetAfterMs].filter((utcMs) => toLocal(utcMs, zone) === localMs)
  return candidates.length > 0 ? Math.max(...candidates) : localMs - offsetBeforeMs
}

function offsetMs(utcMs: number, zone: string): number {
  return toLocal(utcMs, zone) - utcMs
}
