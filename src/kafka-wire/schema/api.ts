import { Reader } from '../reader.ts'
import { decoded, WireError, type Decoded } from '../wire-error.ts'
import { Writer } from '../writer.ts'
import { structCodec, type Codec } from './codec.ts'
import type { Fields, FullBody, SparseBody } from './fields.ts'

/**
 * One direction of an API, in all its versions. `Full` is what decoding yields: every field, at its default where the version
 * lacks it. `Sparse` is what encoding accepts: the same, and fields that are not in every version may be left out.
 */
export interface Message<Full, Sparse = NoInfer<Full>> {
  readonly name: string
  /** Inclusive. */
  readonly versions: readonly [min: number, max: number]
  /** The first version with compact lengths and tagged fields (KIP-482); null when there is none. */
  readonly flexibleFrom: number | null
  /** The table this message is made of. */
  readonly fields: Fields
  /** Throws {@link WireError} when the version cannot say what the body says. */
  encode(version: number, body: Sparse): Uint8Array
  /** Byte fields are views on `bytes`. Bytes after the message are ignored, as Kafka does. */
  decode(version: number, bytes: Uint8Array): Decoded<Full>
  /** As `encode`, into a writer. */
  writeTo(writer: Writer, version: number, body: Sparse): void
  /** As `decode`, from a reader; throws {@link WireError}. */
  readFrom(reader: Reader, version: number): Full
}

/** A request and its answer. */
export interface Api<Req, Res, SparseReq = NoInfer<Req>, SparseRes = NoInfer<Res>> {
  readonly key: number
  readonly name: string
  readonly request: Message<Req, SparseReq>
  readonly response: Message<Res, SparseRes>
}

/** What decoding a request of the API yields. */
export type RequestOf<A> = A extends Api<infer Req, unknown, never, never> ? Req : never
/** What decoding a response of the API yields. */
export type ResponseOf<A> = A extends Api<unknown, infer Res, never, never> ? Res : never

interface ApiTable<Q extends Fields, S extends Fields> {
  readonly versions: readonly [min: number, max: number]
  readonly flexibleFrom: number | null
  readonly request: Q
  readonly response: S
}

export function api<Q extends Fields, S extends Fields>(
  key: number,
  name: string,
  table: ApiTable<Q, S>,
): Api<FullBody<Q>, FullBody<S>, SparseBody<Q>, SparseBody<S>> {
  const { versions, flexibleFrom } = table
  return {
    key,
    name,
    request: message(`${name}Request`, versions, flexibleFrom, table.request),
    response: message(`${name}Response`, versions, flexibleFrom, table.response),
  }
}

export function message<F extends Fields>(
  name: string,
  versions: readonly [number, number],
  flexibleFrom: number | null,
  fields: F,
): Message<FullBody<F>, SparseBody<F>> {
  const [min, max] = versions
  const codecs: Codec[] = []
  const codecOf = (version: number): Codec => {
    const known = codecs[version]
    if (known !== undefined) return known
    if (!Number.isInteger(version) || version < min || version > max)
      throw new WireError(`${name} has versions ${min} to ${max}, not ${version}`)
    const codec = structCodec(fields, version, flexibleFrom !== null && version >= flexibleFrom, name)
    codecs[version] = codec
    return codec
  }
  const writeTo = (writer: Writer, version: number, body: SparseBody<F>): void => codecOf(version).write(writer, body)
  // The one place where the table's types meet the codec compiled from the same table.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const readFrom = (reader: Reader, version: number): FullBody<F> => codecOf(version).read(reader) as FullBody<F>
  return {
    name,
    versions,
    flexibleFrom,
    fields,
    writeTo,
    readFrom,
    encode(version, body) {
      const writer = new Writer()
      writeTo(writer, version, body)
      return writer.whole()
    },
    decode: (version, bytes) => decoded(() => readFrom(new Reader(bytes), version)),
  }
}
