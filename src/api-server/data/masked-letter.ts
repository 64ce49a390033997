import type { DeadLetterView, Json } from '../../core/index.ts'
import { mask, masked, type Personal } from './payload.ts'
import { saysOrigin } from './records.ts'

/**
 * A dead letter without its record's personal fields (P8). What was thrown may tell of the value, and a value that is not of its schema's form
 * may hold them anywhere: those are hidden as a whole.
 */
export function maskedLetter<T extends DeadLetterView>(letter: T, personal: Personal | null): T {
  if (personal === null) return letter
  const { key, value, headers } = letter
  const json = value === null || letter.valueIsBase64 ? undefined : parsed(value)
  const shown = masked({ format: 'json', text: value, sizeBytes: 0, ...(json === undefined ? {} : { json }) }, personal)
  return {
    ...letter,
    key: key !== null && personal.keyIsPersonal ? mask : key,
    value: value === null ? null : (shown?.text ?? mask),
    valueIsBase64: false,
    message: mask,
    stack: null,
    headers: headers.map((header) => (saysOrigin.test(header.key) ? header : { ...header, value: header.value && mask })),
    masked: true,
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
