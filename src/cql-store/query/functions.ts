import { randomBytes, randomUUID } from 'node:crypto'
import { checkValue, decodeValue, encodeValue, type CqlType, type ScalarName } from '../../cql-wire/index.ts'
import { invalid } from '../refusal.ts'
import type { Scope } from './scope.ts'

type Bytes = Uint8Array | null

export interface ScalarFunction {
  name: string
  args: readonly ScalarName[]
  result: ScalarName
  run: (args: readonly Uint8Array[], scope: Scope) => Bytes
}

/** 100 ns steps between 1582-10-15, where version 1 UUIDs begin to count, and 1970. */
const gregorianOffset = 122_192_928_000_000_000n

const nodeId = randomBytes(6)
let lastTicks = 0n

/** A version 1 UUID of the given ticks since 1970 (100 ns). */
function timeuuidBytes(ticks: bigint, rest: Uint8Array): Uint8Array {
  const time = ticks + gregorianOffset
  const out = Buffer.alloc(16)
  out.writeUInt32BE(Number(time & 0xffff_ffffn), 0)
  out.writeUInt16BE(Number((time >> 32n) & 0xffffn), 4)
  out.writeUInt16BE(Number((time >> 48n) & 0x0fffn) | 0x1000, 6)
  out.set(rest, 8)
  return out
}

/** A new timeuuid: this node's, later than every one before. */
export function newTimeuuid(nowMs: number): Uint8Array {
  const ticks = BigInt(Math.trunc(nowMs)) * 10_000n
  lastTicks = ticks > lastTicks ? ticks : lastTicks + 1n
  return timeuuidBytes(
    lastTicks,
    Uint8Array.of(0x80 | ((nodeId[0] ?? 0) & 0x3f), nodeId[1] ?? 0, 0x01 | (nodeId[2] ?? 0), ...nodeId.subarray(1)),
  )
}

function millisOfTimeuuid(bytes: Uint8Array): bigint {
  const view = Buffer.from(bytes)
  const time = (BigInt(view.readUInt16BE(6) & 0x0fff) << 48n) | (BigInt(view.readUInt16BE(4)) << 32n) | BigInt(view.readUInt32BE(0))
  const ticks = time - gregorianOffset
  return ticks >= 0n ? ticks / 10_000n : (ticks - 9_999n) / 10_000n
}

const millisOf = (type: CqlType, bytes: Uint8Array): bigint => {
  if (type.is === 'timeuuid') return millisOfTimeuuid(bytes)
  const value = decodeValue(type, bytes)
  if (type.is === 'date') return typeof value === 'number' ? BigInt(value) * 86_400_000n : 0n
  return typeof value === 'bigint' ? value : 0n
}

const dayOf = (ms: bigint): number => Math.floor(Number(ms) / 86_400_000)

const current = (names: string[], result: ScalarName, run: (scope: Scope) => Uint8Array): ScalarFunction[] =>
  names.map((name) => ({ name, args: [], result, run: (_args, scope) => run(scope) }))

const convert = (names: string[], result: ScalarName, from: readonly ScalarName[], to: (ms: bigint) => Uint8Array): ScalarFunction[] =>
  names.flatMap((name) =>
    from.map((arg): ScalarFunction => ({
      name,
      args: [arg],
      result,
      run: ([bytes]) => (bytes?.length ? to(millisOf({ is: arg }, bytes)) : null),
    })),
  )

const timestampBytes = (ms: bigint): Uint8Array => encodeValue({ is: 'timestamp' }, ms)
const dateBytes = (ms: bigint): Uint8Array => encodeValue({ is: 'date' }, dayOf(ms))
const bigintBytes = (ms: bigint): Uint8Array => encodeValue({ is: 'bigint' }, ms)

const blobTypes: ScalarName[] = [
  'ascii', 'text', 'int', 'bigint', 'smallint', 'tinyint', 'varint', 'float', 'double', 'decimal', 'boolean', 'uuid', 'timeuuid', 'timestamp', 'date', 'time', 'inet', 'duration',
] // prettier-ignore

const all: ScalarFunction[] = [
  ...current(['now', 'currenttimeuuid', 'current_timeuuid'], 'timeuuid', ({ nowMs }) => newTimeuuid(nowMs)),
  ...current(['uuid'], 'uuid', () => Buffer.from(randomUUID().replaceAll('-', ''), 'hex')),
  ...current(['currenttimestamp', 'current_timestamp'], 'timestamp', ({ nowMs }) => timestampBytes(BigInt(Math.trunc(nowMs)))),
  ...current(['currentdate', 'current_date'], 'date', ({ nowMs }) => dateBytes(BigInt(Math.trunc(nowMs)))),
  ...current(['currenttime', 'current_time'], 'time', ({ nowMs }) =>
    encodeValue({ is: 'time' }, BigInt(Math.trunc(nowMs) % 86_400_000) * 1_000_000n),
  ),
  ...convert(['totimestamp', 'to_timestamp'], 'timestamp', ['timeuuid', 'date'], timestampBytes),
  ...convert(['todate', 'to_date'], 'date', ['timeuuid', 'timestamp'], dateBytes),
  ...convert(['tounixtimestamp', 'to_unix_timestamp'], 'bigint', ['timeuuid', 'timestamp', 'date'], bigintBytes),
  ...['mintimeuuid', 'min_timeuuid'].map((name): ScalarFunction => ({
    name,
    args: ['timestamp'],
    result: 'timeuuid',
    run: ([ms]) => (ms ? timeuuidBytes(millisOf({ is: 'timestamp' }, ms) * 10_000n, new Uint8Array(8).fill(0x80)) : null),
  })),
  ...['maxtimeuuid', 'max_timeuuid'].map((name): ScalarFunction => ({
    name,
    args: ['timestamp'],
    result: 'timeuuid',
    run: ([ms]) => (ms ? timeuuidBytes(millisOf({ is: 'timestamp' }, ms) * 10_000n + 9_999n, new Uint8Array(8).fill(0x7f)) : null),
  })),
  ...blobTypes.flatMap((type) => {
    const names = type === 'text' ? ['text', 'varchar'] : [type]
    return names.flatMap((name): ScalarFunction[] => [
      ...[`${name}asblob`, `${name}_as_blob`].map((fn): ScalarFunction => ({
        name: fn,
        args: [type],
        result: 'blob',
        run: ([bytes]) => bytes ?? null,
      })),
      ...[`blobas${name}`, `blob_as_${name}`].map((fn): ScalarFunction => ({
        name: fn,
        args: ['blob'],
        result: type,
        run: ([bytes]) => (bytes ? checkedBlob(fn, type, bytes) : null),
      })),
    ])
  }),
]

/** Bytes for a type, refused when they are none of it. */
function checkedBlob(fn: string, type: ScalarName, bytes: Uint8Array): Uint8Array {
  if (!checkValue({ is: type }, bytes).ok)
    throw invalid(
      `In call to function system.${fn}, value 0x${Buffer.from(bytes).toString('hex')} is not a valid binary representation for type ${type}`,
    )
  return bytes
}

const byName = Map.groupBy(all, (fn) => fn.name)

/** The overloads of a function; empty when there is none of this name. */
export function overloadsOf(name: string): readonly ScalarFunction[] {
  return byName.get(name.toLowerCase()) ?? []
}
