import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Compressors } from 'hyparquet'

/** What others' files may be packed by, besides Snappy, which hyparquet has. */
export const compressors: Compressors = {
  GZIP: (packed) => plain(gunzipSync(packed)),
  ZSTD: (packed) => plain(zstdDecompressSync(packed)),
}

function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
