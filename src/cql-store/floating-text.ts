/** Floating numbers as Java writes them, which is how Cassandra shows them in JSON and in options, and casts them to text. */

/** A double: plain from 10⁻³ to below 10⁷, else with an exponent; always with a fraction. */
export function doubleText(value: number): string {
  return floatingText(value, `${value}`)
}

/** A float: the shortest digits that make the same 32 bits. */
export function floatText(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits))
    if (Math.fround(text) === value) return floatingText(value, `${text}`)
  }
  return floatingText(value, `${value}`)
}

function floatingText(value: number, shortest: string): string {
  if (Object.is(value, -0)) return '-0.0'
  if (!Number.isFinite(value) || value === 0) return value === 0 ? '0.0' : `${value}`
  const [mantissa = '', exponent = '0'] = shortest.replace('-', '').split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = (whole + fraction).replace(/^0+/, '')
  // Position of the first digit: value = 0.d₁d₂… · 10^point.
  const leadingZeros = (whole + fraction).length - (whole + fraction).replace(/^0+/, '').length
  const point = whole.length - leadingZeros + Number(exponent)
  const sign = value < 0 ? '-' : ''
  const size = Math.abs(value)
  if (size < 1e-3 || size >= 1e7) return `${sign}${digits[0]}.${digits.slice(1).replace(/0+$/, '') || '0'}E${point - 1}`
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.padEnd(point, '0').slice(0, point)}.${digits.slice(point).replace(/0+$/, '') || '0'}`
}
