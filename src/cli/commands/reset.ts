import type { Command } from 'commander'
import type { ResetOrder } from '../../api-client/index.ts'
import type { ResetView } from '../../core/index.ts'
import { MillraceError } from '../../platform/index.ts'
import { confirmed } from '../confirm.ts'
import type { WithContext } from '../main.ts'
import { wholeNumberOption } from '../options.ts'
import { counted, numeral, type Output } from '../output.ts'
import { withResetTarget, type ResetTarget } from '../reset-target.ts'
import { followReplay } from './follow-replay.ts'

interface ResetOptions {
  to?: string
  source?: string
  partition?: string
  dryRun: boolean
  yes: boolean
}

interface ReplayOptions extends Omit<ResetOptions, 'to' | 'source'> {
  from: string
  until?: string
  wait: boolean
}

export function addResetCommands(program: Command, context: WithContext): void {
  common(program.command('reset [stream]'))
    .description('set where a stream goes on, or forget where a source does; asks unless --yes')
    .option('--to <place>', 'earliest, latest, an offset, or a time as 2026-01-31T12:00:00Z')
    .option('--source <name>', 'in place of a stream: the next run of this source starts from the beginning')
    .action(async (stream: string | undefined, options: ResetOptions) => {
      const own = context()
      const { source } = options
      if ((stream === undefined) === (source === undefined))
        throw new MillraceError('BAD_REQUEST', 'Name one thing: "millrace reset <stream>", or "millrace reset --source <name>".')
      if (source !== undefined) return withResetTarget(own, (target) => resetSource(target, own.output, source, options))
      const order = orderOf(options.to ?? 'earliest', options.partition)
      await withResetTarget(own, async (target) => {
        await resetStream({ target, output: own.output, stream: stream ?? '', order, options, verb: 'reset' })
      })
    })
  common(program.command('replay <stream>'))
    .description('read records of its topic again, from a place on, into its table: a reset back, and its progress; asks unless --yes')
    .requiredOption('--from <place>', 'earliest, an offset, or a time as 2026-01-31T12:00:00Z')
    .option('--until <place>', 'wait until this offset or time only; the stream goes on to where it was by itself')
    .option('--no-wait', 'do not wait until it has caught up')
    .action(async (stream: string, options: ReplayOptions) => {
      const own = context()
      const { from, until, partition, wait } = options
      if (from === 'latest')
        throw new MillraceError('BAD_REQUEST', 'From latest on there is nothing to replay: "millrace reset --to latest" skips records.')
      if (until !== undefined && !wait) throw new MillraceError('BAD_REQUEST', '--until says how long to wait: leave out --no-wait.')
      await withResetTarget(own, async (target) => {
        // A place that is none is told before anything is done.
        const end = until === undefined ? null : await target.planReset(stream, orderOf(until, partition))
        if (end !== null) checkOrder(await target.planReset(stream, orderOf(from, partition)), end)
        const done = await resetStream({ target, output: own.output, stream, order: orderOf(from, partition), options, verb: 'replay' })
        if (done === null || done.partitions.length === 0 || !wait) return
        await followReplay(target, own.output, done, end)
      })
    })
}

function checkOrder(begin: ResetView, end: ResetView): void {
  const isInOrder = begin.partitions.some(({ partition, to }) => {
    const until = end.partitions.find((each) => each.partition === partition)?.to
    return until === undefined || BigInt(until) > BigInt(to)
  })
  if (begin.partitions.length > 0 && !isInOrder)
    throw new MillraceError('BAD_REQUEST', `--until ${end.to} is not behind --from ${begin.to}: there would be nothing to wait for.`)
}

function common(command: Command): Command {
  return command
    .option('--partition <n>', 'of this partition alone')
    .option('--dry-run', 'only say what would be', false)
    .option('-y, --yes', 'without asking', false)
}

function orderOf(to: string, partition: string | undefined): ResetOrder {
  return { to, ...(partition === undefined ? {} : { partition: wholeNumberOption('--partition', partition, 0) }) }
}

interface Resetting {
  target: ResetTarget
  output: Output
  stream: string
  order: ResetOrder
  options: Pick<ResetOptions, 'dryRun' | 'yes'>
  verb: 'reset' | 'replay'
}

/** What was done; null: nothing was. */
async function resetStream({ target, output, stream, order, options, verb }: Resetting): Promise<ResetView | null> {
  const plan = await target.planReset(stream, order)
  if (verb === 'replay' && plan.skipped > 0) throw notThereYet(plan, order.to)
  if (plan.partitions.length === 0) {
    output.data({ ...plan, dryRun: options.dryRun })
    output.line(`${stream} is there already: nothing to do`)
    return null
  }
  if (options.dryRun || !options.yes) show(output, plan)
  if (options.dryRun) {
    output.data({ ...plan, dryRun: true })
    output.line('nothing was changed: a dry run')
    return null
  }
  if (!options.yes && !(await confirmed(question(plan)))) {
    output.line('nothing was changed')
    return null
  }
  const done = await target.resetStream(stream, { ...order, skip: plan.skipped > 0 })
  output.data({ ...done, dryRun: false })
  if (options.yes) show(output, done)
  const then = target.statuses === null ? 'goes on from there when it is started' : 'goes on from there'
  output.line(`${stream} ${then}: ${effects(done)}`)
  return done
}

/** Why a replay is refused. One that goes back in some partitions only would skip records of the others. */
export function notThereYet(plan: ResetView, to: string): MillraceError {
  const { stream, partitions, skipped } = plan
  const behind = partitions.filter((each) => each.skipped > 0).map(({ partition }) => partition)
  const back = partitions.filter((each) => each.again > 0).map(({ partition }) => partition)
  const skip = `to skip ${about(plan, skipped)}, use "millrace reset ${stream} --to ${to}"`
  const refusal =
    back.length === 0
      ? `${stream} has not come to ${to} yet, so there is nothing to replay from there: ${skip}.`
      : `${stream} has not come to ${to} yet in partition ${behind.join(', ')}: replay the others (${back.join(', ')}), each with --partition.`
  return new MillraceError('BAD_REQUEST', refusal)
}

function show(output: Output, { topic, partitions }: ResetView): void {
  output.table(
    ['TOPIC', 'PARTITION', 'FROM', 'TO', 'READ AGAIN', 'SKIPPED', 'NOTE'],
    partitions.map(({ partition, from, to, again, skipped, note }) => [
      topic,
      partition,
      from,
      to,
      numeral(again),
      numeral(skipped),
      note ?? '',
    ]),
    ['PARTITION', 'FROM', 'TO', 'READ AGAIN', 'SKIPPED'],
  )
}

function question(plan: ResetView): string {
  const skips = plan.skipped > 0 ? `, and never reads ${about(plan, plan.skipped)}` : ''
  return `${plan.stream} stops, goes on at ${plan.to} in ${counted(plan.partitions.length, 'partition')}, reads ${about(plan, plan.again)} again${skips}. Do it?`
}

const effects = (done: ResetView): string => `${about(done, done.again)} to read again, ${numeral(done.skipped)} skipped`

const about = ({ isExact }: ResetView, count: number): string => `${isExact ? '' : '≈'}${counted(count, 'record')}`

async function resetSource(
  target: ResetTarget,
  output: Output,
  source: string,
  { to, partition, dryRun, yes }: ResetOptions,
): Promise<void> {
  if (to !== undefined || partition !== undefined)
    throw new MillraceError('BAD_REQUEST', 'A source can only be reset to its beginning: leave out --to and --partition.')
  const sources = await target.sources()
  const found = sources.find((each) => each.source === source)
  if (found === undefined) {
    const others = sources.map((each) => each.source).join(', ')
    throw new MillraceError(
      'NOT_FOUND',
      `Source "${source}" has no cursor: its next run starts from the beginning anyway. Sources with one: ${others || 'none'}.`,
    )
  }
  output.line(
    `${source}: ${JSON.stringify(found.cursor)} by run ${found.run}, ${found.at}; ${counted(found.fetched, 'record')} fetched so far`,
  )
  if (dryRun) {
    output.data({ ...found, dryRun })
    return output.line('nothing was changed: a dry run')
  }
  if (!yes && !(await confirmed(`Forget this? The next run of ${source} starts from the beginning.`)))
    return output.line('nothing was changed')
  output.data({ ...(await target.resetSource(source)), dryRun })
  output.line(`forgotten: the next run of ${source} starts from the beginning`)
}
