import type { Batch, ValueFormat } from '../core/index.ts'
import type { Result } from '../platform/index.ts'

/** The values of a batch. */
export type Values = Pick<Batch, 'bytes' | 'count' | 'valueAt'>

/** How values of one topic are written and read, in the JSON form that `FieldType` describes. */
export interface ValueCodec {
  readonly format: ValueFormat
  /** Fields whose text may be read otherwise than it was given (`12.5` for `12.50`): a key is made of what is read. */
  readonly respelled: ReadonlySet<string>
  /** RECORD_INVALID naming the field that has no place in the schema. */
  encode(value: unknown): Result<Uint8Array>
  /** Whether everything is at hand that decoding this batch takes. */
  isReadyFor(batch: Values): boolean
  /** Gets it; once for each schema. Rejects with a retriable error while a system that has it is away: that is no fault of the records. */
  makeReadyFor(batch: Values, signal: AbortSignal): Promise<void>
  /** Of a batch that it is ready for. RECORD_DECODE says why the bytes are no value. */
  decode(bytes: Uint8Array): Result<unknown>
}
