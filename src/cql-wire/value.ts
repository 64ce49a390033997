/**
 * Values in memory, by type: ascii, text, uuid, timeuuid, inet: string (uuids canonical, lower case) · int, smallint, tinyint, float,
 * double: number · boolean · bigint, counter, varint, timestamp (ms since 1970), time (ns since midnight): bigint · decimal:
 * `{ unscaled, scale }` · date: days since 1970-01-01, signed · blob, custom: Uint8Array · duration: `{ months, days, nanos }` ·
 * list, set: array · map: array of pairs · tuple, udt: array in the order of the fields, null where there is none.
 * Null also stands for the empty value that types other than text and blob may hold on the wire.
 */
export type CqlValue = null | string | number | bigint | boolean | Uint8Array | CqlDecimal | CqlDuration | readonly CqlValue[]

/** unscaled × 10^−scale */
export interface CqlDecimal {
  unscaled: bigint
  scale: number
}

/** All three of the same sign. */
export interface CqlDuration {
  months: number
  days: number
  nanos: bigint
}

/** A value that does not fit its type, or bytes that are none of the type. The message names what was expected. */
export class CqlValueError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CqlValueError'
  }
}

export const nanosPerDay = 86_400_000_000_000n
