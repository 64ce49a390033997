import {
  errors,
  type BatchRequest,
  type BoundValue,
  type ColumnSpec,
  type QueryParameters,
  type Response,
  type SchemaChange,
} from '../../cql-wire/index.ts'
import { asMillraceError, type Clock, type Logger, type MillraceError } from '../../platform/index.ts'
import { CqlRefusal, invalid, unsupported } from '../refusal.ts'
import { changeSchema, findTable, isSystemKeyspace, type Catalogue } from '../schema/index.ts'
import { RowWriter, tableStart, type Engine, type StoredRecord, type Waiter } from '../storage/index.ts'
import { describe, systemKeyspaces, type VirtualTable } from '../system/index.ts'
import { buildIndexes, decide, type Page, type Scope, type Target } from '../query/index.ts'
import { answered, type Answer, type Step } from './answer.ts'
import { batchWarnings, withWarnings } from './batch-warnings.ts'
import { checkBatch, checkConditional, checkRead, checkWrite } from './consistency.ts'
import { boundOf, type Compiled, type Statements } from './statements.ts'

/** Who asked: what USE sets, and where answers go. */
export interface Session {
  keyspace: string | null
}

type Judge = (written: () => StoredRecord[], writtenBytes: number) => readonly string[]
const noWarnings: Judge = () => []

/** Deleted and expired cells are looked for this often. */
const sweepEveryMs = 10 * 60_000

/** What carries out statements on the store, for every connection. */
export class Executor {
  readonly statements: Statements
  readonly #catalogue: Catalogue
  readonly #engine: Engine
  readonly #system: readonly VirtualTable[]
  readonly #clock: Clock
  readonly #log: Logger
  readonly #target: Target
  #lastMicros = 0n
  #purging: Promise<void> = Promise.resolve()
  #building: Promise<void> = Promise.resolve()
  #cancelSweep: () => void = () => {}
  /** Called after each change of the schema. */
  onSchemaChange: (change: SchemaChange) => void = () => {}

  constructor(parts: {
    statements: Statements
    catalogue: Catalogue
    engine: Engine
    system: readonly VirtualTable[]
    clock: Clock
    log: Logger
  }) {
    this.statements = parts.statements
    this.#catalogue = parts.catalogue
    this.#engine = parts.engine
    this.#system = parts.system
    this.#clock = parts.clock
    this.#log = parts.log
    this.#target = { engine: parts.engine, rows: new RowWriter(parts.engine.mutations) }
    this.#purge()
    this.#buildIndexes()
    this.#scheduleSweep()
  }

  get engine(): Engine {
    return this.#engine
  }

  /** Resolves when records of dropped tables are removed, or the store is closing. */
  get purged(): Promise<void> {
    return this.#purging
  }

  /**
   * Carries out a statement. Null: the answer is a void RESULT once `waiter` is told that the mutation is safe.
   * @throws CqlRefusal, MillraceError
   */
  run(compiled: Compiled, parameters: QueryParameters, session: Session, waiter: Waiter): Answer | Promise<Answer> | null {
    switch (compiled.is) {
      case 'modify': {
        const scope = this.#scope(parameters.timestampMicros, valuesFor(boundOf(compiled), parameters))
        const { modification } = compiled
        if (modification.conditional) {
          checkConditional(parameters.consistency, parameters.serialConsistency)
          return this.#writeIf([{ modification, scope }], false, waiter)
        }
        checkWrite(parameters.consistency)
        return this.#write([{ modification, scope }], waiter)
      }
      case 'batch': {
        const scope = this.#scope(parameters.timestampMicros, valuesFor(compiled.bound, parameters))
        if (compiled.timestamp) scope.timestamp = compiled.timestamp(scope)
        const steps = compiled.modifications.map((modification) => ({ modification, scope }))
        return this.#writeAll(steps, parameters, compiled.isUnlogged, waiter)
      }
      case 'select':
        return this.#select(compiled.select, parameters)
      case 'other':
        return this.#other(compiled.statement, compiled.keyspace, session)
    }
  }

  /** A BATCH frame. */
  runBatch(request: BatchRequest, session: Session, waiter: Waiter): Response | null {
    if (request.type === 'counter') throw unsupported('a counter batch')
    const base = this.#scope(request.timestampMicros, [])
    const steps = request.statements.map((statement) => {
      const compiled =
        'query' in statement ? this.statements.compile(statement.query, session.keyspace) : this.preparedOf(statement.preparedId).compiled
      if (compiled.is !== 'modify') throw invalid('Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.')
      const { modification } = compiled
      checkCount(modification.bound, statement.values)
      return { modification, scope: { ...base, values: statement.values } }
    })
    return this.#writeAll(steps, request, request.type === 'unlogged', waiter)
  }

  #writeAll(
    steps: readonly Step[],
    { consistency, serialConsistency }: Pick<QueryParameters, 'consistency' | 'serialConsistency'>,
    isUnlogged: boolean,
    waiter: Waiter,
  ): Response | null {
    if (!steps.some(({ modification }) => modification.conditional)) {
      checkBatch(consistency)
      return this.#write(steps, waiter, (written, bytes) => batchWarnings(steps, written, bytes, !isUnlogged))
    }
    checkConditional(consistency, serialConsistency)
    return this.#writeIf(steps, true, waiter)
  }

  /** @throws CqlRefusal UNPREPARED */
  preparedOf(id: Uint8Array): NonNullable<ReturnType<Statements['prepared']>> {
    const prepared = this.statements.prepared(id)
    if (prepared) return prepared
    const hex = Buffer.from(id).toString('hex')
    throw new CqlRefusal(
      errors.UNPREPARED,
      `Prepared query with ID ${hex} not found (either the query was not prepared on this host (maybe the host has been restarted?) or you have prepared too many queries and it has been evicted from the internal cache)`,
      { unprepared: { id } },
    )
  }

  #scope(timestampMicros: bigint | null, values: readonly BoundValue[]): Scope {
    const nowMs = this.#clock.nowMs()
    const serverMicros = (): bigint => this.#nextMicros(nowMs)
    return { values, timestamp: timestampMicros ?? serverMicros(), serverMicros, nowMs, nowSeconds: Math.floor(nowMs / 1000) }
  }

  /** The server's write time: never the same twice, never back. */
  #nextMicros(nowMs: number): bigint {
    const now = BigInt(Math.trunc(nowMs * 1000))
    this.#lastMicros = now > this.#lastMicros ? now : this.#lastMicros + 1n
    return this.#lastMicros
  }

  /** Statements of which some have an IF clause: all are carried out, or none. */
  #writeIf(steps: readonly Step[], isBatch: boolean, waiter: Waiter): Response | null {
    const table = steps[0]?.modification.table
    if (!table || steps.some(({ modification }) => modification.table !== table))
      throw invalid('Batch with conditions cannot span multiple tables')
    const partitions = steps.flatMap(({ modification, scope }) => modification.prefixes(scope))
    if (partitions.some((prefix) => !prefix.equals(partitions[0] ?? prefix)))
      throw invalid('Batch with conditions cannot span multiple partitions')
    const nowMs = this.#clock.nowMs()
    const timestamp = this.#nextMicros(nowMs)
    const timed = steps.map(({ modification, scope }) => ({ modification, scope: { ...scope, timestamp, isConditional: true as const } }))
    const asked = timed.flatMap(({ modification: { conditional }, scope }) => (conditional ? [{ conditional, scope }] : []))
    const { applied, columns, rows } = decide(table, asked, isBatch, this.#engine)
    const answer: Response = { opcode: 'RESULT', kind: 'rows', columns, rows, pagingState: null, noMetadata: false }
    if (!applied) return answer
    this.#write(timed, {
      committed: () => answered(waiter, answer),
      refused: (error) => waiter.refused(error),
    })
    return null
  }

  /** `judge` looks at what the statements wrote, before it is submitted: what it warns of is told with the answer. */
  #write(steps: readonly Step[], waiter: Waiter, judge = noWarnings): null {
    const refusal = this.#engine.refusal()
    if (refusal) throw refusal
    const { mutations } = this.#engine
    // What a list holds is read before some of its elements are written: everything submitted before counts.
    if (steps.some(({ modification }) => modification.readsFirst)) this.#engine.writePending()
    mutations.begin()
    let warnings: readonly string[]
    try {
      for (const { modification, scope } of steps) modification.write(scope, this.#target)
      warnings = judge(() => mutations.sinceBegin(), mutations.bytesSinceBegin)
    } catch (error) {
      mutations.rollback()
      throw error
    }
    this.#engine.submit(withWarnings(waiter, warnings))
    return null
  }

  #select(select: Extract<Compiled, { is: 'select' }>['select'], parameters: QueryParameters): Answer | Promise<Answer> {
    const scope = this.#scope(parameters.timestampMicros, valuesFor(select.bound, parameters))
    if (!isSystemKeyspace(select.table.keyspace)) checkRead(parameters.consistency)
    const { columns, warnings } = select
    const answer = (page: Page): Answer => {
      return {
        opcode: 'RESULT',
        kind: 'rows',
        columns,
        ...page,
        noMetadata: parameters.skipMetadata,
        ...(warnings.length > 0 ? { warnings } : {}),
      }
    }
    const page = select.run(scope, this.#engine, parameters)
    return page instanceof Promise ? page.then(answer) : answer(page)
  }

  #other(statement: Extract<Compiled, { is: 'other' }>['statement'], keyspace: string | null, session: Session): Response {
    if (statement.is === 'use') {
      const isSystem = systemKeyspaces.some((name) => name === statement.keyspace) || statement.keyspace === 'system_virtual_schema'
      if (!isSystem) this.#catalogue.keyspace(statement.keyspace)
      session.keyspace = statement.keyspace
      return { opcode: 'RESULT', kind: 'setKeyspace', keyspace: statement.keyspace }
    }
    if (statement.is === 'describe') {
      const { columns, rows } = describe(statement, session.keyspace, { catalogue: this.#catalogue, system: this.#system })
      return { opcode: 'RESULT', kind: 'rows', columns, rows, pagingState: null, noMetadata: false }
    }
    // Records of a table must be written before its number changes: replay would not know them otherwise.
    this.#engine.writePending()
    if (statement.is === 'truncate') {
      const home = statement.table.keyspace ?? keyspace
      if (home !== null && isSystemKeyspace(home)) throw invalid(`Cannot truncate system tables`)
      findTable(this.#catalogue, home, statement.table.name)
    }
    const change = changeSchema(this.#catalogue, statement, keyspace, this.#nextMicros(this.#clock.nowMs()))
    this.#purge()
    if (statement.is === 'create-index') this.#buildIndexes()
    if (!change) return { opcode: 'RESULT', kind: 'void' }
    this.onSchemaChange(change)
    return { opcode: 'RESULT', kind: 'schemaChange', ...change }
  }

  /** Enters rows that are older than their index, one index after another. */
  #buildIndexes(): void {
    this.#building = this.#building
      .then(() => buildIndexes(this.#catalogue, this.#engine))
      .catch((error: unknown) => {
        this.#log.warn('an index could not be built: reads look at all rows until the next start', { error: asMillraceError(error) })
      })
  }

  /** Takes garbage out every now and then. */
  #scheduleSweep(): void {
    this.#cancelSweep = this.#clock.after(sweepEveryMs, () => {
      this.#purging = this.#purging
        .then(() => this.#engine.sweep())
        .then(
          ({ ended, changed }) => {
            if (changed > 0) this.#log.debug('deleted and expired cells were removed', { records: changed })
            if (ended !== 'closed') this.#scheduleSweep()
          },
          (error: unknown) => {
            this.#log.warn('deleted and expired cells are still to be removed; the next time tries again', {
              error: asMillraceError(error),
            })
            this.#scheduleSweep()
          },
        )
    })
  }

  /** No more work in the background; what runs ends with the engine. */
  stop(): void {
    this.#cancelSweep()
  }

  /** Removes the records of tables that were dropped or truncated, behind everything else. */
  #purge(): void {
    const numbers = [...this.#catalogue.purging]
    if (numbers.length === 0) return
    this.#purging = this.#purging.then(async () => {
      for (const number of numbers) {
        if (!this.#catalogue.purging.includes(number)) continue
        try {
          if (await this.#engine.purge(tableStart(number), tableStart(number + 1))) this.#catalogue.purged(number)
        } catch (error) {
          this.#log.warn('records of a dropped table are still to be removed; the next start tries again', {
            error: asMillraceError(error),
          })
        }
      }
    })
  }
}

/** The values in the order of the markers. @throws CqlRefusal when there are too many or too few */
function valuesFor(bound: readonly ColumnSpec[], { values, names }: QueryParameters): readonly BoundValue[] {
  if (!names) {
    checkCount(bound, values)
    return values
  }
  return bound.map((spec) => {
    const i = names.indexOf(spec.name)
    const value = i < 0 ? undefined : values[i]
    if (value === undefined) throw invalid(`Invalid unset value for bind variable ${spec.name}`)
    return value
  })
}

function checkCount(bound: readonly ColumnSpec[], values: readonly BoundValue[]): void {
  if (values.length !== bound.length) throw invalid(`there were ${bound.length} markers(?) in CQL but ${values.length} bound variables`)
}

/** What a failing disk is to a client: OVERLOADED while it may pass (drivers try again), WRITE_FAILURE when it will not. */
export function refusalOf(error: MillraceError): CqlRefusal {
  if (error.code === 'DISK_FULL') return new CqlRefusal(errors.OVERLOADED, error.message)
  if (error.code === 'DISK_FAILED') {
    return new CqlRefusal(errors.WRITE_FAILURE, error.message, {
      writeFailure: { consistency: 1, received: 0, blockFor: 1, failures: 1, writeType: 'SIMPLE' },
    })
  }
  return new CqlRefusal(errors.SERVER_ERROR, error.message)
}
