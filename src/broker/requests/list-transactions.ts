import { errorCodes, listTransactions } from '../../kafka-wire/index.ts'
import { namePattern } from '../patterns/name-pattern.ts'
import type { TransactionStatus } from '../transactions/transaction.ts'
import { handler } from './handler.ts'

const statuses: ReadonlySet<string> = new Set<TransactionStatus | 'Dead' | 'PrepareEpochFence'>([
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
])

/** Transactional ids by state and producer (KIP-664), by how long their transaction runs (KIP-994), by pattern (KIP-1152). */
export const listTransactionsHandler = handler(listTransactions, [0, 2], (request, { broker }) => {
  const pattern = patternOf(request.transactionalIdPattern)
  const failed = { throttleTimeMs: 0, unknownStateFilters: [], transactionStates: [] }
  if (pattern === null) return { ...failed, errorCode: errorCodes.INVALID_REGULAR_EXPRESSION }
  const states = new Set(request.stateFilters)
  const producers = new Set(request.producerIdFilters.map(Number))
  const nowMs = broker.clock.nowMs()
  const runs = Number(request.durationFilter)
  const transactionStates = broker.transactions
    .all()
    .filter(({ status }) => states.size === 0 || states.has(status))
    .filter(({ producerId }) => producers.size === 0 || producers.has(producerId))
    .filter(({ status, startMs }) => runs < 0 || (status === 'Ongoing' && nowMs - startMs > runs))
    .filter(({ transactionalId }) => pattern(transactionalId))
    .map(({ transactionalId, producerId, status }) => ({ transactionalId, producerId: BigInt(producerId), transactionState: status }))
  const unknownStateFilters = request.stateFilters.filter((state) => !statuses.has(state))
  return { throttleTimeMs: 0, errorCode: errorCodes.NONE, unknownStateFilters, transactionStates }
})

/** The whole id must match; null for a text that is no regular expression. */
function patternOf(text: string | null): ((transactionalId: string) => boolean) | null {
  if (text === null || text === '') return () => true
  const outcome = namePattern(text)
  return outcome.ok ? outcome.matches : null
}
