import { CqlRefusal } from '../refusal.ts'
import { errors } from '../../cql-wire/index.ts'

/** Where the next page begins. To clients it is opaque bytes. */
export interface PagingState {
  /** Rows of LIMIT still to come; null without LIMIT. */
  remaining: number | null
  /** Rows of the last row's partition already given, for PER PARTITION LIMIT. */
  inPartition: number
  /** Number of the segment, and the last row's key in it. */
  segment: number
  key: Buffer
}

const version = 1

/** u8 version, i32 remaining (−1 none), u32 in partition, u32 segment, key. */
export function encodePagingState(state: PagingState): Uint8Array {
  const out = Buffer.alloc(13 + state.key.length)
  out[0] = version
  out.writeInt32BE(state.remaining ?? -1, 1)
  out.writeUInt32BE(state.inPartition, 5)
  out.writeUInt32BE(state.segment, 9)
  state.key.copy(out, 13)
  return out
}

/** @throws CqlRefusal PROTOCOL_ERROR for bytes that this store did not give */
export function decodePagingState(bytes: Uint8Array, prefix: Buffer): PagingState {
  const view = Buffer.from(bytes)
  const key = view.subarray(13)
  if (view[0] !== version || view.length < 13 || key.length < 14 || !key.subarray(0, prefix.length).equals(prefix)) {
    throw new CqlRefusal(errors.PROTOCOL_ERROR, 'Invalid value for the paging state')
  }
  const remaining = view.readInt32BE(1)
  return { remaining: remaining < 0 ? null : remaining, inPartition: view.readUInt32BE(5), segment: view.readUInt32BE(9), key }
}
