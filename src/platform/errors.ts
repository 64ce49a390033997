/**
 * The one catalogue of errors. A code is stable: scripts, the API and dead letters carry it. The message says what is
 * wrong and what to do; `retriable` tells a caller whether the same call may succeed later.
 */
const catalogue = {
  CONFIG_INVALID: { retriable: false, exitCode: 78 },
  CONFIG_MISSING: { retriable: false, exitCode: 78 },
  PIPELINE_INVALID: { retriable: false, exitCode: 65 },
  DEFINITION_INVALID: { retriable: false, exitCode: 65 },
  NODE_TOO_OLD: { retriable: false, exitCode: 69 },
  DATA_DIR_IN_USE: { retriable: false, exitCode: 73 },
  DATA_DIR_NEWER: { retriable: false, exitCode: 73 },
  DATA_CORRUPT: { retriable: false, exitCode: 74 },
  DISK_FULL: { retriable: true, exitCode: 74 },
  DISK_FAILED: { retriable: false, exitCode: 74 },
  PORT_BUSY: { retriable: false, exitCode: 69 },
  CREDENTIALS_REQUIRED: { retriable: false, exitCode: 77 },
  TOO_MANY_ATTEMPTS: { retriable: true, exitCode: 75 },
  FORBIDDEN: { retriable: false, exitCode: 77 },
  AUTHENTICATION_FAILED: { retriable: false, exitCode: 77 },
  UNREACHABLE: { retriable: true, exitCode: 69 },
  TIMED_OUT: { retriable: true, exitCode: 75 },
  CANCELLED: { retriable: false, exitCode: 130 },
  CLOSED: { retriable: false, exitCode: 70 },
  PROTOCOL: { retriable: false, exitCode: 76 },
  NOT_FOUND: { retriable: false, exitCode: 66 },
  ALREADY_EXISTS: { retriable: false, exitCode: 73 },
  IN_USE: { retriable: true, exitCode: 75 },
  NOT_RUNNING: { retriable: true, exitCode: 69 },
  BAD_REQUEST: { retriable: false, exitCode: 64 },
  KAFKA: { retriable: false, exitCode: 70 },
  PRODUCER_FENCED: { retriable: false, exitCode: 70 },
  KAFKA_RETRIABLE: { retriable: true, exitCode: 75 },
  CQL: { retriable: false, exitCode: 70 },
  CQL_RETRIABLE: { retriable: true, exitCode: 75 },
  METADATA_UNAVAILABLE: { retriable: true, exitCode: 75 },
  OFFSET_OUT_OF_RANGE: { retriable: false, exitCode: 70 },
  SOURCE_FAILED: { retriable: true, exitCode: 75 },
  TASK_FAILED: { retriable: true, exitCode: 70 },
  CHILD_EXITED: { retriable: true, exitCode: 70 },
  RECORD_DECODE: { retriable: false, exitCode: 65 },
  RECORD_INVALID: { retriable: false, exitCode: 65 },
  RECORD_STEP: { retriable: false, exitCode: 65 },
  RECORD_REFUSED: { retriable: false, exitCode: 65 },
  SCHEMA_INCOMPATIBLE: { retriable: false, exitCode: 65 },
  TABLE_MISMATCH: { retriable: false, exitCode: 65 },
  DEAD_LETTER_LIMIT: { retriable: false, exitCode: 70 },
  INTERNAL: { retriable: false, exitCode: 70 },
} as const

export type ErrorCode = keyof typeof catalogue

export interface ErrorJson {
  code: ErrorCode
  message: string
  retriable: boolean
  details?: Record<string, string | number | boolean | null>
  cause?: string
}

export class MillraceError extends Error {
  readonly code: ErrorCode
  readonly retriable: boolean
  /** Small machine-readable facts: a port, a field, an error number of a protocol. Never a secret. */
  readonly details: Record<string, string | number | boolean | null>

  /** @param message what is wrong and what to do about it, one or two sentences */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, string | number | boolean | null>; retriable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MillraceError'
    this.code = code
    this.retriable = options.retriable ?? catalogue[code].retriable
    this.details = options.details ?? {}
  }

  /** Process exit code for a command that ends with this error (sysexits where one fits). */
  get exitCode(): number {
    return catalogue[this.code].exitCode
  }

  toJSON(): ErrorJson {
    const json: ErrorJson = { code: this.code, message: this.message, retriable: this.retriable }
    if (Object.keys(this.details).length > 0) json.details = this.details
    if (this.cause !== undefined) json.cause = messageOf(this.cause)
    return json
  }

  static fromJSON(json: ErrorJson): MillraceError {
    return new MillraceError(json.code in catalogue ? json.code : 'INTERNAL', json.message, {
      cause: json.cause,
      retriable: json.retriable,
      ...(json.details ? { details: json.details } : {}),
    })
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The error as a MillraceError: itself when it is one, else wrapped under `code` with its message kept. */
export function asMillraceError(error: unknown, code: ErrorCode = 'INTERNAL', prefix = ''): MillraceError {
  return error instanceof MillraceError ? error : new MillraceError(code, prefix + messageOf(error), { cause: error })
}

/** The errno code (`ENOSPC`, `ECONNREFUSED`, …) of a Node system error, or null. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

export type Result<T, E = MillraceError> = { ok: true; value: T } | { ok: false; error: E }
