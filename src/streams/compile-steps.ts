import { createHash } from 'node:crypto'
import {
  tableId,
  type LoadedStream,
  type Parse,
  type RetryPolicy,
  type StepFunction,
  type StreamNode,
  type TopicDef,
} from '../core/index.ts'
import { jsonCodec, type ValueCodec } from '../formats/index.ts'
import { MillraceError } from '../platform/index.ts'

/** A step ready to be called. */
export interface CompiledStep {
  readonly id: string
  readonly is: 'map' | 'filter' | 'each' | 'validate'
  readonly fn: StepFunction
  readonly retry: RetryPolicy
  readonly timeoutMs: number | null
}

/** A stream checked as a whole, in the form that a batch is run through. */
export interface CompiledStream {
  readonly name: string
  readonly topic: TopicDef
  readonly startingOffsets: 'earliest' | 'latest'
  /** Node ids of both ends: dead letters name them. */
  readonly sourceId: string
  readonly sinkId: string
  readonly codec: ValueCodec
  readonly parse: Parse
  readonly steps: readonly CompiledStep[]
  /** Of the topology's shape, not of its functions: stands in the commit's metadata. */
  readonly digest: string
  /** Things that work and yet deserve a log line. */
  readonly warnings: readonly string[]
}

type SourceNode = Extract<StreamNode, { is: 'source' }>
type SinkNode = Extract<StreamNode, { is: 'sink' }>
type StepNode = Exclude<StreamNode, SourceNode | SinkNode>

/** Throws DEFINITION_INVALID, naming the step that is wrong. */
export function compileStream(stream: LoadedStream, codec: ValueCodec = jsonCodec): CompiledStream {
  const { topology, topic, table } = stream
  const { source, steps, sink } = inOrder(stream)
  if (source.topic !== topic.name)
    throw invalid(stream, source.id, `it reads topic "${source.topic}", but the stream was given "${topic.name}".`)
  if (sink.table !== tableId(table))
    throw invalid(stream, sink.id, `it writes table "${sink.table}", but the stream was given "${tableId(table)}".`)
  return {
    name: topology.name,
    topic,
    startingOffsets: source.startingOffsets,
    sourceId: source.id,
    sinkId: sink.id,
    codec,
    parse: stream.parse,
    steps: steps.map((node) => compileStep(stream, node)),
    digest: shapeDigest([source, ...steps, sink]),
    warnings: checkKeys(stream, steps, sink),
  }
}

function compileStep(stream: LoadedStream, node: StepNode): CompiledStep {
  const fn = stream.functions.get(node.id)
  if (!fn) throw invalid(stream, node.id, `its function "${node.fn.export}" was not found in ${node.fn.module}.`)
  return { id: node.id, is: node.is, fn, retry: node.retry, timeoutMs: node.timeoutMs }
}

/** The nodes from the source along the edges to the sink. */
function inOrder(stream: LoadedStream): { source: SourceNode; steps: StepNode[]; sink: SinkNode } {
  const { nodes, edges, name } = stream.topology
  const byId = new Map(nodes.map((node) => [node.id, node]))
  if (byId.size !== nodes.length) throw new MillraceError('DEFINITION_INVALID', `Stream "${name}": two of its steps have the same id.`)
  const sources = nodes.filter((node) => node.is === 'source')
  const [source] = sources
  if (!source || sources.length > 1)
    throw new MillraceError('DEFINITION_INVALID', `Stream "${name}" needs exactly one source; it has ${sources.length}.`)
  const steps: StepNode[] = []
  for (let id = source.id; steps.length <= nodes.length;) {
    const next = edges.filter(([from]) => from === id)
    const [edge] = next
    if (!edge || next.length > 1)
      throw invalid(stream, id, `it leads to ${next.length} steps; each step but the sink leads to exactly one.`)
    const node = byId.get(edge[1])
    if (!node || node.is === 'source') throw invalid(stream, id, `it leads to "${edge[1]}", which is no step of this stream.`)
    if (node.is === 'sink') {
      if (steps.length + 2 !== nodes.length) throw invalid(stream, node.id, 'some steps of the stream do not lead to it.')
      return { source, steps, sink: node }
    }
    steps.push(node)
    id = node.id
  }
  throw invalid(stream, source.id, 'the steps after it go round in a circle.')
}

/** P2: a table's key must be a function of the record's key, so that all versions of a row stand in one partition, in order. */
function checkKeys(stream: LoadedStream, steps: readonly StepNode[], sink: SinkNode): string[] {
  const { topic, table } = stream
  if (topic.key.length === 0) {
    throw invalid(stream, sink.id, `topic "${topic.name}" has no key, so the versions of a row would have no order; give the topic a key.`)
  }
  if (steps.some((step) => step.is === 'map')) return []
  const columns = [...table.partitionKey, ...table.clusteringKey.map((entry) => entry.column)]
  const foreign = columns.find((column) => !topic.key.includes(column))
  if (foreign !== undefined) {
    throw invalid(
      stream,
      sink.id,
      `key column "${foreign}" of table "${sink.table}" is not part of the key of topic "${topic.name}" (${topic.key.join(', ')}): a record that changes it would leave its old row behind.`,
    )
  }
  const further = topic.key.filter((field) => !columns.includes(field))
  if (further.length === 0) return []
  return [
    `Topic "${topic.name}" is keyed by ${topic.key.join(', ')}, table "${sink.table}" only by ${columns.join(', ')}: versions of one row may come from several partitions, in order of their times only.`,
  ]
}

function shapeDigest(nodes: readonly StreamNode[]): string {
  const shape = nodes.map((node) => [node.id, node.is, node.is === 'source' ? node.topic : node.is === 'sink' ? node.table : null])
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16)
}

function invalid(stream: LoadedStream, step: string, why: string): MillraceError {
  const at = stream.topology.at ? ` (${stream.topology.at})` : ''
  return new MillraceError('DEFINITION_INVALID', `Stream "${stream.topology.name}"${at}, step "${step}": ${why}`, { details: { step } })
}
