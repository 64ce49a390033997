import { resolve } from 'node:path'
import type { Command } from 'commander'
import { MillraceError } from '../../platform/index.ts'
import { dataDirOf, withLogFiles, type CheckedLog, type DumpedBatch, type LogFiles } from '../../runtime/index.ts'
import { confirmed } from '../confirm.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import { counted, numeral } from '../output.ts'

interface Where {
  dataDir?: string
}

export function addLogCommands(program: Command, context: WithContext): void {
  const log = program.command('log').description("the broker's logs as files, or Kafka's: print, check, repair")
  const command = (name: string, description: string): Command =>
    log.command(name).description(description).option('--data-dir <dir>', "data folder (default: the project's); Kafka's log.dirs as well")
  command('dump <partition>', 'every batch of a partition, as topic-partition; also while the broker runs')
    .option('--records', 'their records too')
    .action(async (partition: string, { records, ...where }: Where & { records?: boolean }) => {
      const full = context()
      await withLogFiles(folderOf(full, where), false, async (files) => dump(full, files, partition, records ?? false))
    })
  command('check [partitions...]', 'checksums, offsets and indexes of partitions, or of all; exit code 1 when something is wrong').action(
    async (partitions: string[], where: Where) => {
      const full = context()
      await withLogFiles(folderOf(full, where), false, async (files) => check(full, files, partitions))
    },
  )
  command('repair <partition>', 'cut a partition at its first damage; what lies behind it is lost. Asks unless --yes')
    .option('-y, --yes', 'without asking')
    .action(async (partition: string, { yes, ...where }: Where & { yes?: boolean }) => {
      const full = context()
      await withLogFiles(folderOf(full, where), true, async (files) => repair(full, files, partition, yes ?? false))
    })
}

const folderOf = ({ projectDir }: Context, { dataDir }: Where): string =>
  dataDir === undefined ? dataDirOf(projectDir, process.env, undefined) : resolve(dataDir)

function dump({ output }: Context, files: LogFiles, partition: string, records: boolean): void {
  const text = new TextDecoder()
  const texts = (batch: DumpedBatch) =>
    batch.content?.map(({ offset, timestampMs, key, value, headers }) => ({
      offset: Number(offset),
      timestampMs,
      key: key && text.decode(key),
      value: value && text.decode(value),
      headers: headers.map((header) => ({ key: header.key, value: header.value && text.decode(header.value) })),
    }))
  const { faults } = files.dump(
    known(files, partition),
    (batch) => {
      const content = texts(batch)
      output.data({ ...batch, ...(records ? { content: content ?? null } : {}) })
      output.line(batchLine(batch))
      for (const record of content ?? []) output.line(`  ${record.offset}  ${record.key ?? 'null'}  ${record.value ?? 'null'}`)
    },
    { records },
  )
  for (const { file, position, what } of faults) {
    output.data({ fault: { file, position, what } })
    output.line(`${file} is damaged at byte ${position}: ${what}`)
  }
}

function batchLine(batch: DumpedBatch): string {
  const producer =
    batch.producerId < 0 ? '' : ` · producer ${batch.producerId}, epoch ${batch.producerEpoch}, sequence ${batch.baseSequence}`
  const transaction = batch.marker ? ` · ${batch.marker} marker` : batch.isTransactional ? ' · transactional' : ''
  const time = batch.maxTimestampMs < 0 ? 'no time' : new Date(batch.maxTimestampMs).toISOString()
  return `${batch.baseOffset}–${batch.lastOffset} · ${counted(batch.records, 'record')}, ${batch.sizeBytes} bytes, ${batch.compression} · ${time} · leader epoch ${batch.leaderEpoch}${producer}${transaction}`
}

function check({ output }: Context, files: LogFiles, partitions: readonly string[]): void {
  const wanted = partitions.length > 0 ? partitions.map((partition) => known(files, partition)) : files.partitions
  const checked = wanted.map((partition): { partition: string } & CheckedLog => ({ partition, ...files.check(partition) }))
  output.data(checked)
  output.table(
    ['PARTITION', 'SEGMENTS', 'RECORDS', 'BYTES', 'FIRST OFFSET', 'END OFFSET', 'FAULTS'],
    checked.map((each) => [
      each.partition,
      each.segments,
      numeral(each.records),
      numeral(each.sizeBytes),
      each.startOffset,
      each.endOffset,
      each.faults.length,
    ]),
    ['SEGMENTS', 'RECORDS', 'BYTES', 'FIRST OFFSET', 'END OFFSET', 'FAULTS'],
  )
  for (const { file, position, what } of checked.flatMap(({ faults }) => faults)) output.line(`${file}: byte ${position}: ${what}`)
  if (checked.some(({ faults }) => faults.length > 0)) process.exitCode = 1
}

async function repair({ output }: Context, files: LogFiles, partition: string, yes: boolean): Promise<void> {
  const { faults, endOffset } = files.check(known(files, partition))
  const [first] = faults
  if (!first) {
    output.data({ partition, repaired: false, endOffset })
    return output.line(`${partition} is sound, nothing was changed`)
  }
  const question = `${first.file} is damaged at byte ${first.position} (${first.what}). Cut ${partition} there, and lose what follows?`
  if (!yes && !(await confirmed(question))) return output.line('nothing repaired')
  const repaired = await files.repair(partition)
  output.data({ partition, repaired: true, ...repaired })
  output.line(`${partition} ends at offset ${repaired?.endOffset} now; ${numeral(repaired?.cutBytes ?? 0)} bytes of records were cut`)
  for (const file of repaired?.removed ?? []) output.line(`  removed ${file}`)
}

function known({ partitions }: LogFiles, partition: string): string {
  if (partitions.includes(partition)) return partition
  throw new MillraceError(
    'NOT_FOUND',
    `There is no partition "${partition}": write topic-partition, one of ${partitions.slice(0, 10).join(', ') || 'none'}.`,
  )
}
