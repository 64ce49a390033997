export { consistencies, errors, frameFlags, opcodes, UNSET } from './constants.ts'
export { ByteWriter } from './byte-writer.ts'
export { frameHeaderBytes, maxFrameBytes, readFrameHeader, beginFrame, endFrame, type FrameHeader } from './frame.ts'
export { compressFrame, decompressBody, frameCompressions, type FrameCompression } from './compression.ts'
export {
  alwaysQuote,
  formatType,
  parseType,
  quoteIdentifier,
  scalarByClassName,
  scalarById,
  type CqlType,
  type ScalarName,
} from './types.ts'
export {
  decodeRequest,
  encodeRequest,
  writeRequest,
  type BatchRequest,
  type BatchStatement,
  type BoundValue,
  type QueryParameters,
  type Request,
} from './request.ts'
export {
  type ColumnSpec,
  type ErrorResponse,
  type EventResponse,
  type PreparedResult,
  type Response,
  type ResultResponse,
  type EncodedRows,
  type RowsResult,
  type SchemaChange,
} from './response.ts'
export { encodeResponse, writeResponse, type ResponseExtras } from './response-encode.ts'
export { decodeResponse, type DecodedResponse } from './response-decode.ts'
export { CqlValueError, type CqlDecimal, type CqlDuration, type CqlValue } from './value.ts'
export { encodeValue, valueWriter } from './value-encode.ts'
export { checkValue, decodeValue } from './value-decode.ts'
export { compositeKey, murmur3Token } from './murmur3.ts'
export { formatInet, parseInet } from './inet.ts'
