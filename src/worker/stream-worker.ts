import {
  startingStatus,
  type FromStreams,
  type KafkaEndpoint,
  type LoadedDefinition,
  type Project,
  type SchemaDef,
  type StreamState,
  type StreamStatus,
  type TopicDef,
  type ToStreams,
} from '../core/index.ts'
import { codecOfTopic, openCassandraSink, topicMaker } from '../connectors/index.ts'
import { jsonCodec, type ValueCodec } from '../formats/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { abortReason, asMillraceError, backoffMs, createLogger, MillraceError, systemClock, type Logger } from '../platform/index.ts'
import { createRegistryClient, type RegistryClient } from '../registry-client/index.ts'
import { runStream } from '../streams/index.ts'
import { openChannel, type Channel } from './channel.ts'
import { openKafka } from './kafka.ts'
import { loadedDefinition } from './loaded-definition.ts'

type Order = Extract<ToStreams, { is: 'start' }>

/** Runs the streams it is told to until it is told to stop; each goes on by itself through outages. */
export async function serveStreams(): Promise<void> {
  const channel = openChannel<ToStreams, FromStreams>()
  const stop = new AbortController()
  const log = createLogger((line) => void channel.send({ is: 'log', line: line.trimEnd(), at: Date.now() }), { part: 'streams' })
  channel.onMessage((message) => {
    if (message.is === 'stop') {
      stop.abort(new MillraceError('CANCELLED', 'stopping'))
      return
    }
    if (message.is === 'prepare') {
      // What does not load is told when the stream starts.
      for (const ref of message.modules) void loadedDefinition(ref).catch(() => undefined)
      return
    }
    const running = message.streams.map((name) => keepRunning(name, message, channel, log, stop.signal))
    void Promise.all(running).then(() => (stop.signal.aborted ? channel.send({ is: 'stopped' }) : undefined))
  })
  await channel.send({ is: 'ready' })
}

/** Systems that are away at the start are waited for (P6); what the stream itself stops at is final and shown. */
async function keepRunning(
  name: string,
  order: Order,
  channel: Channel<ToStreams, FromStreams>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let last: StreamStatus = startingStatus(name)
  const show = (state: StreamState): void => {
    last = { ...last, state }
    void channel.send({ is: 'status', status: last })
  }
  const onStatus = (status: StreamStatus): void => {
    last = status
    void channel.send({ is: 'status', status })
  }
  show({ is: 'starting' })
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await runOnce(name, order, onStatus, log, signal)
      return show({ is: 'stopped', error: null })
    } catch (error) {
      if (signal.aborted) return show({ is: 'stopped', error: null })
      const failure = asMillraceError(error)
      if (!failure.retriable) {
        log.error(`stream ${name} stopped: ${failure.message}`, { error })
        return show({ is: 'stopped', error: failure.toJSON() })
      }
      log.warn(`stream ${name} is retried: ${failure.message}`)
      const sinceMs = last.state.is === 'retrying' ? last.state.sinceMs : systemClock.nowMs()
      show({ is: 'retrying', error: failure.toJSON(), sinceMs, attempt })
      await systemClock.sleep(backoffMs(attempt, { initialMs: 200, maxMs: 10_000 }), signal).catch(() => undefined)
    }
  }
}

async function runOnce(
  name: string,
  { project, endpoints, instance }: Order,
  onStatus: (status: StreamStatus) => void,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { stream, schemas } = await loadStream(name, project)
  const own = log.child(name)
  await using kafka = await openKafka(endpoints.kafka, { clientId: `millrace.${project.name}.${name}`, log: own, signal })
  const registry = endpoints.registry && createRegistryClient(endpoints.registry)
  const sink = await openCassandraSink({ table: stream.table, endpoint: endpoints.cassandra, log: own, signal })
  try {
    await runStream({
      project: project.name,
      stream,
      kafka: withPolicy(kafka, endpoints.kafka),
      sink,
      values: valuesOf(project, stream.topic, schemas, registry),
      onStatus,
      log: own,
      signal,
      instance,
    })
  } finally {
    await sink.close()
    registry?.close()
  }
  if (signal.aborted) throw abortReason(signal)
}

/** Topics that the stream makes for itself are made as all others are. */
function withPolicy(kafka: KafkaClient, { topics }: KafkaEndpoint): Parameters<typeof runStream>[0]['kafka'] {
  return {
    consumer: (options) => kafka.consumer(options),
    transactionalProducer: (options) => kafka.transactionalProducer(options),
    admin: {
      listOffsets: (partitions, at, options) => kafka.admin.listOffsets(partitions, at, options),
      createTopics: topicMaker(kafka.admin, topics),
    },
  }
}

async function loadStream(name: string, project: Project): Promise<Extract<LoadedDefinition, { is: 'stream' }>> {
  const topology = project.streams.find((each) => each.name === name)
  if (topology === undefined) throw new MillraceError('NOT_FOUND', `There is no stream "${name}" in the project.`)
  const definition = await loadedDefinition(topology.fn)
  if (definition.is !== 'stream') throw new MillraceError('PIPELINE_INVALID', `"${topology.fn.export}" is not a stream.`)
  return definition
}

/** The project in the order says how the topic is written by now; the bundle what its author asked for. */
function valuesOf(project: Project, topic: TopicDef, schemas: readonly SchemaDef[], registry: RegistryClient | null): ValueCodec {
  const format = project.topics.find(({ name }) => name === topic.name)?.format ?? 'json'
  if (format === 'json') return jsonCodec
  const schema = schemas.find(({ name }) => name === topic.schema)
  if (registry === null || schema === undefined)
    throw new MillraceError('INTERNAL', `Topic ${topic.name} is written as avro, without a registry or a schema.`)
  return codecOfTopic(registry, schema.fields)
}
