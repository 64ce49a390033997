import { MillraceError } from '../platform/index.ts'

export type TransactionState =
  /** No producer id yet. */
  | { readonly is: 'new' }
  | { readonly is: 'ready' }
  | { readonly is: 'open' }
  /** Something failed within the transaction: only `abort` goes on. */
  | { readonly is: 'spoiled'; readonly error: MillraceError }
  | { readonly is: 'committing' }
  | { readonly is: 'aborting' }
  /** No answer to the commit in time: `commit` asks again; a new producer with the same transactional id settles it as well. */
  | { readonly is: 'in doubt'; readonly error: MillraceError }
  /** Fenced, or refused for good: make a new producer, or end. */
  | { readonly is: 'failed'; readonly error: MillraceError }
  | { readonly is: 'closed' }

/** What a call is told that this state does not allow. */
export function refusalOf(state: TransactionState): MillraceError {
  switch (state.is) {
    case 'spoiled':
    case 'in doubt':
    case 'failed':
      return state.error
    case 'closed':
      return new MillraceError('CLOSED', 'The transactional producer is closed.')
    case 'open':
      return new MillraceError('BAD_REQUEST', 'A transaction is open already: commit or abort it first.')
    case 'committing':
    case 'aborting':
      return new MillraceError('BAD_REQUEST', `The transaction is ${state.is}: wait for that first.`)
    case 'new':
    case 'ready':
      return new MillraceError('BAD_REQUEST', 'No transaction is open: call begin first.')
  }
}

/** The error of a commit that nobody answered in time. */
export function inDoubt(cause: MillraceError, transactionalId: string): MillraceError {
  const message = `It is not known whether the transaction of "${transactionalId}" was committed (${cause.message}). Commit again, or make a new producer and read the committed offsets again.`
  const details = { ...cause.details, transactionalId, outcome: 'unknown' }
  return new MillraceError('TIMED_OUT', message, { cause, details })
}
