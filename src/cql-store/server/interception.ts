import { consistencies, errors, type ErrorResponse, type Request } from '../../cql-wire/index.ts'
import type { Executor } from './executor.ts'

/** An error by its name in the protocol's table (spec v4 §9). */
export type CqlErrorName =
  | 'SERVER_ERROR'
  | 'UNAVAILABLE'
  | 'OVERLOADED'
  | 'IS_BOOTSTRAPPING'
  | 'WRITE_TIMEOUT'
  | 'READ_TIMEOUT'
  | 'READ_FAILURE'
  | 'WRITE_FAILURE'
  | 'UNAUTHORIZED'
  | 'INVALID'
  | 'UNPREPARED'

/** A request as an interceptor is told of it. */
export interface InterceptedStatement {
  readonly opcode: Request['opcode']
  /** The statements it carries out or prepares, of a prepared one the text it was prepared from. */
  readonly statements: readonly string[]
}

/** What becomes of a request in place of its answer: an error, the end of its connection, or the same answer later. */
export type CqlInterception = { is: 'error'; error: CqlErrorName } | { is: 'disconnect' } | { is: 'delay'; delayMs: number }

/** Asked before each request of a client that has signed in is carried out; null lets it pass. For tests of clients. */
export type StatementInterceptor = (statement: InterceptedStatement) => CqlInterception | null

export function describeStatement(request: Request, { statements }: Pick<Executor, 'statements'>): InterceptedStatement {
  const prepared = (id: Uint8Array): string => statements.prepared(id)?.query ?? ''
  const { opcode } = request
  if (opcode === 'QUERY' || opcode === 'PREPARE') return { opcode, statements: [request.query] }
  if (opcode === 'EXECUTE') return { opcode, statements: [prepared(request.preparedId)] }
  if (opcode !== 'BATCH') return { opcode, statements: [] }
  return { opcode, statements: request.statements.map((each) => ('query' in each ? each.query : prepared(each.preparedId))) }
}

/** The error as the request's answer, with the fields that come with its code: of one replica that did not answer. */
export function injectedError(request: Request, name: CqlErrorName): ErrorResponse {
  const error: ErrorResponse = { opcode: 'ERROR', code: errors[name], message: `${name}: this error was asked for by a test.` }
  const silent = { consistency: consistencies.LOCAL_QUORUM, received: 0, blockFor: 1 }
  const writeType = request.opcode === 'BATCH' ? 'BATCH' : 'SIMPLE'
  switch (name) {
    case 'UNAVAILABLE':
      return { ...error, unavailable: { consistency: silent.consistency, required: 1, alive: 0 } }
    case 'WRITE_TIMEOUT':
      return { ...error, writeTimeout: { ...silent, writeType } }
    case 'READ_TIMEOUT':
      return { ...error, readTimeout: { ...silent, dataPresent: false } }
    case 'READ_FAILURE':
      return { ...error, readFailure: { ...silent, failures: 1, dataPresent: false } }
    case 'WRITE_FAILURE':
      return { ...error, writeFailure: { ...silent, failures: 1, writeType } }
    case 'UNPREPARED':
      return { ...error, unprepared: { id: request.opcode === 'EXECUTE' ? request.preparedId : new Uint8Array() } }
    default:
      return error
  }
}
