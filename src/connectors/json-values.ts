/**
 * JSON whose whole numbers lose nothing: those that no double holds come as their digits, the form that an int64 has elsewhere (`FieldType`).
 * Throws SyntaxError as `JSON.parse` does.
 */
export function jsonWithWholeNumbers(text: string): unknown {
  // 2⁵³ has 16 digits; looking at each value costs several times what parsing does.
  return /\d{16}/.test(text) ? JSON.parse(text, keepWhole) : JSON.parse(text)
}

function keepWhole(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source ?? ''
  return /^-?\d+$/.test(source) ? source : value
}
