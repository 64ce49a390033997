import { names, type SourceCursorView } from '../../core/index.ts'
import { asMillraceError, MillraceError } from '../../platform/index.ts'
import { withTransactionRights } from '../kafka/transaction-rights.ts'
import { readCursors, type CursorKafka, type StoredCursor } from './cursor-store.ts'

/** What forgetting a cursor needs of a Kafka client. */
export interface ForgettingKafka extends CursorKafka {
  admin: CursorKafka['admin'] & {
    metadata(topics: readonly string[]): Promise<{ topics: { error: string | null }[] }>
    describeTransaction(transactionalId: string): Promise<{ state: string } | null>
  }
  transactionalProducer(options: { transactionalId: string }): {
    init(): Promise<void>
    begin(): Promise<void>
    send(records: { topic: string; key: string; value: null }[]): Promise<unknown>
    commit(): Promise<void>
    close(options?: { timeoutMs?: number }): Promise<void>
  }
}

interface Forgetting {
  kafka: ForgettingKafka
  project: string
  source: string
  /** Who may be reading the source now, by the run that wrote its cursor; null: nobody that is known. */
  liveRun: (last: Pick<SourceCursorView, 'dag' | 'run'>) => Promise<string | null>
  signal: AbortSignal
}

/** Where each source of the project goes on, by name. */
export async function sourceCursors({
  kafka,
  project,
  signal,
}: Pick<Forgetting, 'kafka' | 'project' | 'signal'>): Promise<SourceCursorView[]> {
  const [topic] = (await kafka.admin.metadata([names.cursors(project)])).topics
  if (topic?.error !== null) return []
  const cursors = await readCursors(kafka, project, signal)
  return [...cursors].map(([source, stored]) => viewOf(source, stored)).toSorted((a, b) => (a.source < b.source ? -1 : 1))
}

/**
 * Has the next run of a source begin from the beginning; resolves to where it was. P4: the tombstone is written in a transaction of the
 * cursor's own transactional id, so that a run which is still at work somewhere cannot write its cursor behind it.
 * @throws MillraceError NOT_FOUND without a cursor; IN_USE while a run of the source is at work
 */
export async function forgetCursor(options: Forgetting): Promise<SourceCursorView> {
  const { kafka, project, source, liveRun } = options
  const transactionalId = names.transactionalId(project, 'source', source, '0')
  // First: what it has open would be waited for below.
  const state = (await kafka.admin.describeTransaction(transactionalId))?.state ?? 'Empty'
  if (state === 'Ongoing' || state.startsWith('Prepare'))
    throw new MillraceError(
      'IN_USE',
      `A page of source ${source} is being written: end its run first. The transaction of a run that died ends by itself within a minute; nothing was changed.`,
    )
  const live = await liveRun(await cursorOf(options))
  if (live !== null)
    throw new MillraceError('IN_USE', `Source ${source} may be being read by ${live}: wait for its end, or cancel it; nothing was changed.`)
  const producer = kafka.transactionalProducer({ transactionalId })
  try {
    await producer.init()
    // Nobody else can write it any more: this is the last one.
    const before = await cursorOf(options)
    await producer.begin()
    producer.send([{ topic: names.cursors(project), key: source, value: null }]).catch(() => undefined) // told by commit
    await producer.commit()
    return before
  } catch (error) {
    throw withTransactionRights(asMillraceError(error, 'KAFKA'), project)
  } finally {
    await producer.close({ timeoutMs: 5_000 }).catch(() => undefined)
  }
}

async function cursorOf({ source, ...options }: Forgetting): Promise<SourceCursorView> {
  const cursors = await sourceCursors(options)
  const found = cursors.find((each) => each.source === source)
  if (found !== undefined) return found
  const others = cursors.map((each) => each.source).join(', ')
  throw new MillraceError(
    'NOT_FOUND',
    `Source "${source}" has no cursor: its next run starts from the beginning anyway. Sources with one: ${others || 'none'}.`,
  )
}

function viewOf(source: string, stored: StoredCursor | null): SourceCursorView {
  const { cursor, dag, run, attempt, fetched, at } = stored ?? { cursor: null, dag: '', run: '', attempt: 0, fetched: 0, at: '' }
  return { source, cursor, dag, run, attempt, fetched, at }
}
