import { BinaryOperationNode, OperationNodeTransformer, RawNode, ValueListNode, PrimitiveValueListNode } from 'kysely'
import type { KyselyPlugin, OperationNode, RootOperationNode, SelectQueryNode } from 'kysely'
import { expect, test } from 'vitest'
import { MillraceError } from '../platform/index.ts'
import { startSchedulerOn } from './scheduler.ts'
import { createRig, dagDef, projectOf, settle, taskDef } from './scheduler-rig.ts'
import type { MetadataStore } from './store/metadata-store.ts'

/** What SQLite does not know of the statements for a shared store: locks of rows, and lists of tuples without VALUES. */
class ForSqlite extends OperationNodeTransformer {
  protected override transformSelectQuery(node: SelectQueryNode): SelectQueryNode {
    const { endModifiers: _locks, ...rest } = super.transformSelectQuery(node)
    return rest
  }

  protected override transformBinaryOperation(node: BinaryOperationNode): BinaryOperationNode {
    const operation = super.transformBinaryOperation(node)
    const { leftOperand, rightOperand: list } = operation
    if (leftOperand.kind !== 'TupleNode' || !(ValueListNode.is(list) || PrimitiveValueListNode.is(list))) return operation
    const tuples: readonly OperationNode[] = ValueListNode.is(list) ? list.values : []
    const texts = tuples.map((_, i) => (i === 0 ? '(values ' : ', '))
    return { ...operation, rightOperand: RawNode.create([...texts, ')'], tuples) }
  }
}

const forSqlite: KyselyPlugin = {
  transformQuery: ({ node }): RootOperationNode => new ForSqlite().transformNode(node),
  transformResult: ({ result }) => Promise.resolve(result),
}

test('an attempt that ends while the first turn after an absence is under way is recorded, not lost', async () => {
  await using rig = createRig()
  let isAway = false
  let onTransaction: () => Promise<void> = () => Promise.resolve()
  const open = async (): Promise<MetadataStore> => {
    const store = await rig.store.open()
    return {
      ...store,
      shared: true,
      transaction: (action) =>
        store.transaction(async (trx) => {
          if (isAway) throw new MillraceError('METADATA_UNAVAILABLE', 'gone')
          await onTransaction()
          return action(trx.withPlugin(forSqlite))
        }),
    }
  }
  const attempts: string[] = []
  const ended = Promise.withResolvers<{ is: 'ok'; value: null }>()
  const scheduler = await startSchedulerOn(open, {
    metadataPath: '',
    logsDir: rig.dir,
    clock: rig.clock,
    startAttempt: ({ attempt }) => {
      attempts.push(`attempt ${attempt.attempt}`)
      return { end: ended.promise, cancel: () => undefined }
    },
  })
  await scheduler.register(projectOf(dagDef([taskDef('fetch')])))
  const { run } = await scheduler.trigger('jobs')
  await settle()
  expect(attempts).toEqual(['attempt 1'])

  isAway = true
  await rig.clock.advance(1_000)
  expect(scheduler.store.is).toBe('away')
  isAway = false
  let transactions = 0
  onTransaction = async () => {
    // The first renews the leases; the second is the turn.
    if (++transactions !== 2) return
    ended.resolve({ is: 'ok', value: null })
    await new Promise((resolve) => setImmediate(resolve))
  }
  await rig.clock.advance(5_000)
  expect(attempts).toEqual(['attempt 1'])
  expect(await scheduler.run('jobs', run.runId)).toMatchObject({ state: 'success', tasks: [{ attempts: [{ state: 'success' }] }] })
  await scheduler.close()
})
