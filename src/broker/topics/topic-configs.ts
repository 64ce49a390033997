import type { Compression } from '../../kafka-wire/index.ts'
import { invalidConfigValue, listItems, type ConfigDefinition } from './config-definition.ts'

const week = String(7 * 24 * 3_600_000)
const long = '9223372036854775807'

const replicas = { form: /^(\*|\d+:\d+)$/, inWords: 'partition:broker, or *' }

/** Topic settings of Kafka 4 that mean something here, with Kafka's defaults; a table of data. */
export const topicConfigDefinitions: readonly ConfigDefinition[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    default: 'delete',
    oneOf: ['delete', 'compact'],
    broker: 'log.cleanup.policy',
    doc: 'What happens to old records: "delete" drops segments by retention, "compact" keeps the last record of each key (keyless records are then refused).',
  },
  {
    name: 'compression.type',
    type: 'string',
    default: 'producer',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    broker: 'compression.type',
    doc: 'The codec in which batches are stored; with "producer" as the producer compressed them.',
  },
  {
    name: 'delete.retention.ms',
    type: 'long',
    default: '86400000',
    min: 0,
    broker: 'log.cleaner.delete.retention.ms',
    doc: 'How long a tombstone of a compacted topic is kept.',
  },
  {
    name: 'file.delete.delay.ms',
    type: 'long',
    default: '60000',
    min: 0,
    broker: 'log.segment.delete.delay.ms',
    doc: 'How long a file waits before it is removed from the disk.',
  },
  {
    name: 'flush.messages',
    type: 'long',
    default: long,
    min: 1,
    broker: 'log.flush.interval.messages',
    doc: 'Records between forced syncs. The group sync of every append makes this unnecessary.',
  },
  {
    name: 'flush.ms',
    type: 'long',
    default: long,
    min: 0,
    broker: 'log.flush.interval.ms',
    doc: 'Time between forced syncs. The group sync of every append makes this unnecessary.',
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'list',
    default: '',
    items: replicas,
    doc: 'Replicas that copy slowly while partitions move. There is one replica, so this changes nothing.',
  },
  {
    name: 'index.interval.bytes',
    type: 'int',
    default: '4096',
    min: 0,
    broker: 'log.index.interval.bytes',
    doc: 'Bytes of log between two index entries.',
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'list',
    default: '',
    items: replicas,
    doc: 'Replicas that are copied from slowly while partitions move. There is one replica, so this changes nothing.',
  },
  {
    name: 'max.compaction.lag.ms',
    type: 'long',
    default: long,
    min: 1,
    broker: 'log.cleaner.max.compaction.lag.ms',
    doc: 'How long a record may stay uncompacted.',
  },
  {
    name: 'max.message.bytes',
    type: 'int',
    default: '1048588',
    min: 0,
    broker: 'message.max.bytes',
    doc: 'Largest record batch (after compression) that is taken.',
  },
  {
    name: 'message.timestamp.after.max.ms',
    type: 'long',
    default: '3600000',
    min: 0,
    broker: 'log.message.timestamp.after.max.ms',
    doc: 'How far in the future a record time may lie (CreateTime).',
  },
  {
    name: 'message.timestamp.before.max.ms',
    type: 'long',
    default: long,
    min: 0,
    broker: 'log.message.timestamp.before.max.ms',
    doc: 'How far in the past a record time may lie (CreateTime).',
  },
  {
    name: 'message.timestamp.type',
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    broker: 'log.message.timestamp.type',
    doc: "Whether record times are the producer's or the time of the append.",
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'double',
    default: '0.5',
    broker: 'log.cleaner.min.cleanable.ratio',
    doc: 'Share of uncompacted log at which compaction starts.',
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'long',
    default: '0',
    min: 0,
    broker: 'log.cleaner.min.compaction.lag.ms',
    doc: 'How long a record stays uncompacted at least.',
  },
  {
    name: 'min.insync.replicas',
    type: 'int',
    default: '1',
    min: 1,
    broker: 'min.insync.replicas',
    doc: 'Replicas that must hold a record before acks=all is answered. There is one.',
  },
  {
    name: 'preallocate',
    type: 'boolean',
    default: 'false',
    broker: 'log.preallocate',
    doc: 'Whether segment files are made at their full size.',
  },
  {
    name: 'retention.bytes',
    type: 'long',
    default: '-1',
    min: -1,
    broker: 'log.retention.bytes',
    doc: 'Largest size of a partition before its oldest segments go; -1 for no bound.',
  },
  {
    name: 'retention.ms',
    type: 'long',
    default: week,
    min: -1,
    broker: 'log.retention.ms',
    doc: 'How long records are kept; -1 for ever.',
  },
  {
    name: 'segment.bytes',
    type: 'int',
    default: '1073741824',
    min: 14,
    broker: 'log.segment.bytes',
    doc: 'Size at which a new segment file is begun.',
  },
  {
    name: 'segment.index.bytes',
    type: 'int',
    default: '10485760',
    min: 4,
    broker: 'log.index.size.max.bytes',
    doc: 'Largest size of an index file.',
  },
  { name: 'segment.jitter.ms', type: 'long', default: '0', min: 0, broker: 'log.roll.jitter.ms', doc: 'Random part taken off segment.ms.' },
  { name: 'segment.ms', type: 'long', default: week, min: 1, broker: 'log.roll.ms', doc: 'Age at which a new segment file is begun.' },
  {
    name: 'unclean.leader.election.enable',
    type: 'boolean',
    default: 'false',
    broker: 'unclean.leader.election.enable',
    doc: 'There is one replica, so this changes nothing.',
  },
]

const byName = new Map(topicConfigDefinitions.map((definition) => [definition.name, definition]))

/** A topic's settings, parsed once. */
export interface TopicConfig {
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly indexIntervalBytes: number
  readonly compacted: boolean
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
  readonly deletes: boolean
  readonly logAppendTime: boolean
  /** Of the batches as they are stored. */
  readonly compression: Compression | 'producer'
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
}

/** Topic overrides checked one by one; the text says what is wrong, null when all is well. */
export function invalidTopicConfigs(overrides: Readonly<Record<string, string>>): string | null {
  for (const [name, value] of Object.entries(overrides)) {
    const definition = byName.get(name)
    if (!definition) return `Unknown topic config name: ${name}`
    const wrong = invalidConfigValue(definition, value)
    if (wrong) return wrong
  }
  return null
}

/** The value that counts: the topic's own, else the broker's, else Kafka's default. */
export function effectiveTopicConfig(
  name: string,
  overrides: Readonly<Record<string, string>>,
  broker: (name: string) => string | null,
): string | null {
  const definition = byName.get(name)
  const own = overrides[name]
  if (own !== undefined) return own
  return (definition?.broker ? broker(definition.broker) : null) ?? definition?.default ?? null
}

export function parseTopicConfig(overrides: Readonly<Record<string, string>>, broker: (name: string) => string | null): TopicConfig {
  const text = (name: string): string => effectiveTopicConfig(name, overrides, broker) ?? ''
  const policies = listItems(text('cleanup.policy'))
  return Object.freeze({
    maxMessageBytes: Number(text('max.message.bytes')),
    segmentBytes: Number(text('segment.bytes')),
    segmentMs: Number(text('segment.ms')),
    retentionMs: Number(text('retention.ms')),
    retentionBytes: Number(text('retention.bytes')),
    indexIntervalBytes: Number(text('index.interval.bytes')),
    compacted: policies.includes('compact'),
    deleteRetentionMs: Number(text('delete.retention.ms')),
    minCompactionLagMs: Number(text('min.compaction.lag.ms')),
    maxCompactionLagMs: Number(text('max.compaction.lag.ms')),
    minCleanableDirtyRatio: Number(text('min.cleanable.dirty.ratio')),
    deletes: policies.includes('delete'),
    compression: compressionOf(text('compression.type')),
    logAppendTime: text('message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: Number(text('message.timestamp.before.max.ms')),
    timestampAfterMaxMs: Number(text('message.timestamp.after.max.ms')),
  })
}

/** The codec by the name that topics know it by. */
function compressionOf(name: string): TopicConfig['compression'] {
  switch (name) {
    case 'uncompressed':
      return 'none'
    case 'gzip':
    case 'snappy':
    case 'lz4':
    case 'zstd':
      return name
    default:
      return 'producer'
  }
}
