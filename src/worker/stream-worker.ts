import {
  type FromStreams,
  type KafkaEndpoint,
  type LoadedDefinition,
  type Project,
  type SchemaDef,
  type StreamStatus,
  type TopicDef,
  type ToStreams,
} from '../core/index.ts'
import { codecOfTopic, openCassandraSink, topicMaker } from '../connectors/index.ts'
import { jsonCodec, type ValueCodec } from '../formats/index.ts'
import type { KafkaClient } from '../kafka-client/index.ts'
import { abortReason, createLogger, MillraceError, systemClock, type Logger } from '../platform/index.ts'
import { createRegistryClient, type RegistryClient } from '../registry-client/index.ts'
import { runStream } from '../streams/index.ts'
import { openChannel } from './channel.ts'
import { keepRunning } from './keep-running.ts'
import { openKafka } from './kafka.ts'
import { loadedDefinition } from './loaded-definition.ts'

type Order = Extract<ToStreams, { is: 'start' }>

/** Well within the time after which the supervisor takes the process for held by user code. */
const ALIVE_EVERY_MS = 10_000

/** Runs the streams it is told to until it is told to stop; each goes on by itself through outages. */
export async function serveStreams(): Promise<void> {
  const channel = openChannel<ToStreams, FromStreams>()
  const stop = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  const log = createLogger((line) => void channel.send({ is: 'log', line: line.trimEnd(), at: Date.now() }), { part: 'streams' })
  channel.onMessage((message) => {
    if (message.is === 'stop') {
      stop.abort(new MillraceError('CANCELLED', 'stopping'))
      // Also when all of them had ended before: who waits for this would wait for as long as a stream may take.
      void running.then(() => channel.send({ is: 'stopped' }))
      return
    }
    if (message.is === 'prepare') {
      // What does not load is told when the stream starts.
      for (const ref of message.modules) void loadedDefinition(ref).catch(() => undefined)
      return
    }
    running = Promise.all(
      message.streams.map((name) =>
        keepRunning({
          name,
          run: (onStatus) => runOnce(name, message, onStatus, log, stop.signal),
          tell: (status) => void channel.send({ is: 'status', status }),
          log,
          clock: systemClock,
          signal: stop.signal,
        }),
      ),
    )
  })
  // Streams that have ended say nothing more.
  setInterval(() => void channel.send({ is: 'alive' }), ALIVE_EVERY_MS).unref()
  await channel.send({ is: 'ready' })
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
