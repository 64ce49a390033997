import type { Command } from 'commander'
import type { Admin, TransactionDescription } from '../../kafka-client/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { confirmed } from '../confirm.ts'
import type { WithContext } from '../main.ts'
import { wholeNumberOption } from '../options.ts'

interface AbortOptions {
  topic?: string
  partition?: string
  startOffset?: string
  yes?: boolean
}

export function addTransactionCommands(program: Command, context: WithContext): void {
  const transactions = program.command('transactions').description('list, describe and abort transactions')
  transactions
    .command('list', { isDefault: true })
    .description('transactional ids, their producers and states')
    .action(async () => {
      const { output, withKafka } = context()
      const found = (await withKafka(({ admin }) => admin.listTransactions())).toSorted((a, b) =>
        a.transactionalId.localeCompare(b.transactionalId),
      )
      output.data(found)
      output.table(
        ['TRANSACTIONAL ID', 'PRODUCER ID', 'STATE'],
        found.map(({ transactionalId, producerId, state }) => [transactionalId, producerId, state]),
        ['PRODUCER ID'],
      )
    })
  transactions
    .command('describe <transactionalId>')
    .description('its producer, its state, and the partitions of the open transaction')
    .action(async (transactionalId: string) => {
      const { output, withKafka } = context()
      const found = await withKafka(({ admin }) => describe(admin, transactionalId))
      output.data(found)
      const { producerId, producerEpoch, state, timeoutMs, startedMs, partitions } = found
      const since = startedMs === null ? '' : ` · since ${new Date(startedMs).toISOString()}`
      output.line(`${transactionalId} · ${state} · producer ${producerId}, epoch ${producerEpoch} · time-out ${timeoutMs} ms${since}`)
      if (partitions.length > 0)
        output.table(
          ['TOPIC', 'PARTITION'],
          partitions.map(({ topic, partition }) => [topic, partition]),
          ['PARTITION'],
        )
    })
  addAbort(transactions, context)
}

function addAbort(transactions: Command, context: WithContext): void {
  transactions
    .command('abort [transactionalId]')
    .description('fence a producer, which aborts what it has open; or end a transaction that hangs in one partition')
    .option('--topic <topic>', 'of a transaction that hangs: its coordinator does not know it any more')
    .option('--partition <n>', 'in which partition')
    .option('--start-offset <n>', 'where it begins there; "millrace transactions hanging" tells')
    .option('-y, --yes', 'without asking')
    .action(async (transactionalId: string | undefined, { topic, partition, startOffset, yes }: AbortOptions) => {
      const { output, withKafka } = context()
      const hanging = topic !== undefined && partition !== undefined && startOffset !== undefined
      if ((transactionalId !== undefined) === hanging || (transactionalId !== undefined && topic !== undefined))
        throw new MillraceError('BAD_REQUEST', 'Name a transactional id, or --topic, --partition and --start-offset.')
      await withKafka(async ({ admin }) => {
        if (transactionalId !== undefined) {
          await describe(admin, transactionalId)
          if (yes !== true && !(await confirmed(`Fence the producer of ${transactionalId}, and abort what it has open?`)))
            return output.line('nothing aborted')
          await admin.fenceProducer(transactionalId)
          output.data({ transactionalId, aborted: true })
          return output.line(`${transactionalId} is fenced; what it had open is aborted`)
        }
        if (!hanging) return
        const where = { topic, partition: wholeNumberOption('--partition', partition, 0) }
        const from = BigInt(wholeNumberOption('--start-offset', startOffset, 0))
        const producer = (await admin.describeProducers(where)).find(({ transactionFrom }) => transactionFrom === from)
        if (!producer)
          throw new MillraceError('NOT_FOUND', `No open transaction begins at offset ${from} of partition ${where.partition} of ${topic}.`)
        if (yes !== true && !(await confirmed(`Abort the transaction of producer ${producer.producerId} in ${topic}-${where.partition}?`)))
          return output.line('nothing aborted')
        const { producerId, producerEpoch, coordinatorEpoch } = producer
        await admin.abortTransaction({ ...where, producerId, producerEpoch, coordinatorEpoch })
        output.data({ ...where, startOffset: from, producerId, aborted: true })
        output.line(`the transaction of producer ${producerId} in ${topic}-${where.partition} is aborted`)
      })
    })
  transactions
    .command('hanging <topic>')
    .description('the open transactions of a topic, by partition, and where they begin')
    .action(async (topic: string) => {
      const { output, withKafka } = context()
      const open = await withKafka(async ({ admin }) => {
        const partitions = (await admin.metadata([topic])).topics[0]?.partitions ?? []
        const all = await Promise.all(
          partitions.map(async ({ partition }) =>
            (await admin.describeProducers({ topic, partition })).map((producer) => ({ topic, partition, ...producer })),
          ),
        )
        return all.flat().filter(({ transactionFrom }) => transactionFrom !== null)
      })
      output.data(open)
      output.table(
        ['PARTITION', 'START OFFSET', 'PRODUCER ID', 'EPOCH', 'LAST WRITE'],
        open.map((each) => [
          each.partition,
          each.transactionFrom,
          each.producerId,
          each.producerEpoch,
          each.lastTimestampMs < 0 ? null : new Date(each.lastTimestampMs).toISOString(),
        ]),
        ['PARTITION', 'START OFFSET', 'PRODUCER ID', 'EPOCH'],
      )
    })
}

async function describe(admin: Admin, transactionalId: string): Promise<TransactionDescription> {
  const found = await admin.describeTransaction(transactionalId)
  if (found) return found
  throw new MillraceError('NOT_FOUND', `There is no transactional id "${transactionalId}": see "millrace transactions list".`)
}
