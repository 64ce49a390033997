import { errors, type ErrorResponse } from '../cql-wire/index.ts'

/** A statement that is refused: thrown where it is found wrong, turned into an ERROR frame at the connection's door. */
export class CqlRefusal extends Error {
  readonly response: ErrorResponse

  constructor(code: number, message: string, extra: Partial<ErrorResponse> = {}) {
    super(message)
    this.name = 'CqlRefusal'
    this.response = { ...extra, opcode: 'ERROR', code, message }
  }
}

/** INVALID 0x2200: understood, but not possible. */
export function invalid(message: string): CqlRefusal {
  return new CqlRefusal(errors.INVALID, message)
}

/** INVALID 0x2200 for a feature of CQL that this store does not have: always by its name, never ignored. */
export function unsupported(feature: string): CqlRefusal {
  return new CqlRefusal(errors.INVALID, `${feature} is not supported by Millrace's table store`)
}

export function configError(message: string): CqlRefusal {
  return new CqlRefusal(errors.CONFIG_ERROR, message)
}

export function unauthorized(message: string): CqlRefusal {
  return new CqlRefusal(errors.UNAUTHORIZED, message)
}

/** SYNTAX_ERROR 0x2000 with the place as Cassandra gives it. */
export function syntaxError(line: number, column: number, message: string): CqlRefusal {
  return new CqlRefusal(errors.SYNTAX_ERROR, `line ${line}:${column} ${message}`)
}

/** SYNTAX_ERROR 0x2000 of an option: Cassandra has it so for one that it does not know, or whose value is of another kind. */
export function malformed(message: string): CqlRefusal {
  return new CqlRefusal(errors.SYNTAX_ERROR, message)
}

export function unknownProperty(name: string): CqlRefusal {
  return malformed(`Unknown property '${name}'`)
}
