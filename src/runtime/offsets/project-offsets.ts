import type { OffsetPorts, ResetRequest } from '../../api-server/index.ts'
import { forgetCursor, sourceCursors } from '../../connectors/index.ts'
import { names, type Project, type ResetView, type SourceCursorView } from '../../core/index.ts'
import type { GroupDescription, KafkaClient } from '../../kafka-client/index.ts'
import { MillraceError, systemClock } from '../../platform/index.ts'
import { planReset, resetOffsets, streamOffsets, type ResetOrder } from '../../streams/index.ts'

export interface OffsetsOptions {
  kafka(this: void): Promise<KafkaClient>
  project(this: void): Project
  /** Names the members of this data folder; null: there is none, and every member is somebody else's. */
  instance: string | null
  /** Does something while no stream of this data folder runs. */
  whileStopped<T>(action: () => Promise<T>): Promise<T>
  /** Who may be reading a source, by the run that wrote its cursor; null: nobody that is known. */
  liveRun(this: void, last: Pick<SourceCursorView, 'dag' | 'run'>): Promise<string | null>
}

/** Offsets of the project's streams and cursors of its sources: shown, and set. */
export function projectOffsets(options: OffsetsOptions): OffsetPorts {
  const { kafka, project, liveRun } = options
  const orderFor = async (stream: string, request: ResetRequest): Promise<ResetOrder & { kafka: KafkaClient }> => ({
    kafka: await kafka(),
    project: project().name,
    stream,
    ...sourceOf(project(), stream),
    ...request,
  })
  return {
    of: async (stream) => streamOffsets(await orderFor(stream, { to: 'latest' })),
    plan: async (stream, request) => planReset(await orderFor(stream, request)),
    reset: async (stream, { skip, ...request }) => {
      const order = await orderFor(stream, request)
      // What is refused is refused before a stream is stopped for it.
      const plan = await planReset(order)
      checkSkips(plan, skip)
      await strangersLeave(order, options.instance)
      if (plan.partitions.length === 0) return plan
      return options.whileStopped(async () => {
        await ownLeave(order, options.instance)
        return resetOffsets(order, systemClock.nowMs(), (now) => checkSkips(now, skip))
      })
    },
    cursors: async (signal) => sourceCursors({ kafka: await kafka(), project: project().name, signal }),
    forget: async (source, signal) => forgetCursor({ kafka: await kafka(), project: project().name, source, liveRun, signal }),
  }
}

function checkSkips({ stream, skipped, isExact }: ResetView, maySkip: boolean): void {
  if (skipped === 0 || maySkip) return
  throw new MillraceError(
    'BAD_REQUEST',
    `Stream ${stream} would never read ${isExact ? '' : 'about '}${skipped} records: say that they may be skipped ("skip": true; the command asks, or takes --yes).`,
    { details: { skipped } },
  )
}

async function membersOf({ kafka, project, stream }: ResetOrder & { kafka: KafkaClient }): Promise<GroupDescription['members']> {
  const [found] = await kafka.admin.describeGroups([names.group(project, stream)])
  return found?.members ?? []
}

/** Members of other processes would go on where they are; Kafka refuses to set offsets while there are any. */
async function strangersLeave(order: ResetOrder & { kafka: KafkaClient }, instance: string | null): Promise<void> {
  const strangers = (await membersOf(order)).filter((member) => instance === null || member.groupInstanceId !== instance)
  const [first] = strangers
  if (first === undefined) return
  const { groupInstanceId, clientId, clientHost } = first
  const more = strangers.length === 1 ? '' : ` and ${strangers.length - 1} more`
  throw new MillraceError(
    'IN_USE',
    `Stream ${order.stream} is read by another process: ${groupInstanceId ?? clientId} at ${clientHost}${more}, in group ${names.group(order.project, order.stream)}. Stop it first; a member that died leaves by itself within 10 s. Nothing was changed.`,
  )
}

/**
 * Static members stay in their group when their process ends (KIP-345): they are put out. A process that was ended in the middle may
 * have left a transaction open, whose offsets would be committed behind those that are set here.
 */
async function ownLeave(order: ResetOrder & { kafka: KafkaClient }, instance: string | null): Promise<void> {
  if (instance === null) return
  const { kafka, project, stream } = order
  const own = (await membersOf(order)).filter(({ groupInstanceId }) => groupInstanceId === instance)
  if (own.length > 0) await kafka.admin.removeMembers(names.group(project, stream), own)
  const transactionalId = names.transactionalId(project, 'stream', stream, instance)
  if ((await kafka.admin.describeTransaction(transactionalId))?.state === 'Ongoing') await kafka.admin.fenceProducer(transactionalId)
}

function sourceOf(project: Project, stream: string): Pick<ResetOrder, 'topic' | 'startingOffsets'> {
  const source = project.streams.find(({ name }) => name === stream)?.nodes.find((node) => node.is === 'source')
  if (source !== undefined) return { topic: source.topic, startingOffsets: source.startingOffsets }
  const others = project.streams.map(({ name }) => name).join(', ')
  throw new MillraceError('NOT_FOUND', `There is no stream ${stream}; there are: ${others || 'none'}.`)
}
