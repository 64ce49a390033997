/** Days and milliseconds since 1970 as Java writes them, which Cassandra leaves it to: JavaScript's dates end long before CQL's. */

const dayMs = 86_400_000n
/** 1970-01-01 as a Julian day number. */
const epoch = 2_440_588
interface CalendarDay {
  /** 0 is 1 BC. */
  year: number
  month: number
  day: number
}

function gregorian(days: number): CalendarDay {
  const a = days + epoch + 32_044
  const centuries = Math.floor((4 * a + 3) / 146_097)
  const { year, ...rest } = fromMarch(a - Math.floor((146_097 * centuries) / 4))
  return { year: year + 100 * centuries, ...rest }
}

/** Of days since 1 March of the year −4800, every fourth year with a day more (Richards' algorithm). */
function fromMarch(days: number): CalendarDay {
  const year = Math.floor((4 * days + 3) / 1_461)
  const dayOfYear = days - Math.floor((1_461 * year) / 4)
  const month = Math.floor((5 * dayOfYear + 2) / 153)
  const isNextYear = month >= 10
  return {
    year: year - 4_800 + (isNextYear ? 1 : 0),
    month: month + (isNextYear ? -9 : 3),
    day: dayOfYear - Math.floor((153 * month + 2) / 5) + 1,
  }
}

const digits = (value: number, count: number): string => String(value).padStart(count, '0')

/** A `date`, as `DateTimeFormatter.ISO_LOCAL_DATE`: `2024-02-29`, `-0001-01-01`, `+10000-01-01`. */
export function dateText(days: number): string {
  const { year, month, day } = gregorian(days)
  const sign = year < 0 ? '-' : year > 9_999 ? '+' : ''
  return `${sign}${digits(Math.abs(year), 4)}-${digits(month, 2)}-${digits(day, 2)}`
}

/** A `timestamp` as `yyyy-MM-dd'T'HH:mm:ss.SSSX` in UTC, or with another separator: `yyyy` is the year of an era, so that 2 BC is `0002`. */
export function timestampText(ms: bigint, separator: ' ' | 'T'): string {
  const inDay = ((ms % dayMs) + dayMs) % dayMs
  const { year, month, day } = gregorian(Number((ms - inDay) / dayMs))
  const ofEra = year > 0 ? year : 1 - year
  const rest = Number(inDay)
  const time = [Math.floor(rest / 3_600_000), Math.floor(rest / 60_000) % 60, Math.floor(rest / 1_000) % 60].map((part) => digits(part, 2))
  const date = `${ofEra > 9_999 ? '+' : ''}${digits(ofEra, 4)}-${digits(month, 2)}-${digits(day, 2)}`
  return `${date}${separator}${time.join(':')}.${digits(rest % 1_000, 3)}Z`
}
