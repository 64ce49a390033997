import { apis } from './apis.ts'
import { Reader } from './reader.ts'
import type { Api } from './schema/index.ts'
import { decoded } from './wire-error.ts'
import { Writer } from './writer.ts'

const API_VERSIONS = 18
const SIZE_BYTES = 4

function isFlexible(api: Api<unknown, unknown>, version: number): boolean {
  return api.request.flexibleFrom !== null && version >= api.request.flexibleFrom
}

/** The response header has tagged fields (version 1) in flexible versions, but never for ApiVersions: its reader may not know the version yet (KIP-511). */
function responseHeaderIsFlexible(api: Api<unknown, unknown>, version: number): boolean {
  return api.key !== API_VERSIONS && isFlexible(api, version)
}

/**
 * A request with its size (int32) and header: key, version, correlation id, client id, and in flexible versions tagged fields.
 * Throws {@link WireError} when the version cannot say what the body says.
 */
export function encodeRequestFrame<Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  version: number,
  header: { correlationId: number; clientId: string | null },
  body: NoInfer<SparseReq>,
): Uint8Array {
  const writer = new Writer()
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  writer.string(header.clientId, false)
  if (isFlexible(api, version)) writer.unsignedVarint(0)
  api.request.writeTo(writer, version, body)
  writer.patchInt32(0, writer.sizeBytes - SIZE_BYTES)
  return writer.whole()
}

/**
 * Reads the header of a request frame (without its size). A key or version unknown here is no error, so that the broker can
 * answer UNSUPPORTED_VERSION; `body` then starts after the client id. `body` is a view on the frame.
 */
export function decodeRequestHeader(
  frame: Uint8Array,
):
  | { ok: true; apiKey: number; apiVersion: number; correlationId: number; clientId: string | null; body: Uint8Array }
  | { ok: false; reason: string } {
  const header = decoded(() => {
    const reader = new Reader(frame)
    const apiKey = reader.int16()
    const apiVersion = reader.int16()
    const correlationId = reader.int32()
    const clientId = reader.string(false)
    const api = apis.get(apiKey)
    if (api !== undefined && apiVersion <= api.request.versions[1] && isFlexible(api, apiVersion)) reader.skipTaggedFields()
    return { apiKey, apiVersion, correlationId, clientId, body: frame.subarray(reader.at) }
  })
  return header.ok ? { ok: true, ...header.body } : header
}

/**
 * A response as the parts of one frame, the size (int32) first. Large byte fields (records) are passed on as they are, not
 * copied: leave them alone until the parts are written. Throws {@link WireError} when the version cannot say what the body says.
 */
export function encodeResponseFrame<Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  version: number,
  correlationId: number,
  body: NoInfer<SparseRes>,
): Uint8Array[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (responseHeaderIsFlexible(api, version)) writer.unsignedVarint(0)
  api.response.writeTo(writer, version, body)
  writer.patchInt32(0, writer.sizeBytes - SIZE_BYTES)
  return writer.parts()
}

/** The correlation id at the start of a response frame (without its size); throws {@link WireError} when the frame is too short. */
export function correlationIdOf(frame: Uint8Array): number {
  return new Reader(frame).int32()
}

/** Reads a response frame (without its size) to a request of this API and version. Byte fields are views on the frame. Throws {@link WireError}. */
export function decodeResponse<Req, Res, SparseReq, SparseRes>(
  api: Api<Req, Res, SparseReq, SparseRes>,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: Res } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (responseHeaderIsFlexible(api, version)) reader.skipTaggedFields()
  return { correlationId, body: api.response.readFrom(reader, version) }
}
