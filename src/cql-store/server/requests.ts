import { errors, type Request } from '../../cql-wire/index.ts'
import { CqlRefusal } from '../refusal.ts'
import type { Answer, AnsweringWaiter } from './answer.ts'
import type { Executor, Session } from './executor.ts'

/** Who asks. */
export interface Client extends Session {
  /** Event types it asked for. */
  readonly events: Set<string>
}

const eventTypes = ['TOPOLOGY_CHANGE', 'STATUS_CHANGE', 'SCHEMA_CHANGE']

/**
 * Carries out a request of a client that has signed in. Null: the answer comes through the waiter.
 * @throws CqlRefusal, MillraceError
 */
export function answerTo(
  request: Request,
  executor: Executor,
  client: Client,
  waiter: () => AnsweringWaiter,
): Answer | Promise<Answer> | null {
  switch (request.opcode) {
    case 'REGISTER':
      for (const event of request.events) {
        if (!eventTypes.includes(event)) throw new CqlRefusal(errors.PROTOCOL_ERROR, `Invalid value '${event}' for Type`)
        client.events.add(event)
      }
      return { opcode: 'READY' }
    case 'QUERY': {
      const compiled = executor.statements.compile(request.query, client.keyspace)
      return executor.run(compiled, request.parameters, client, waiter())
    }
    case 'PREPARE': {
      const { id, bound, pkIndexes, columns } = executor.statements.prepare(request.query, client.keyspace)
      return { opcode: 'RESULT', kind: 'prepared', id, bound: [...bound], pkIndexes: [...pkIndexes], columns: [...columns] }
    }
    case 'EXECUTE': {
      const { compiled } = executor.preparedOf(request.preparedId)
      return executor.run(compiled, request.parameters, client, waiter())
    }
    case 'BATCH':
      return executor.runBatch(request, client, waiter())
    default:
      throw new CqlRefusal(errors.PROTOCOL_ERROR, `Unexpected message ${request.opcode}`)
  }
}
