import { definition, topicNamePattern, type Defined, type SchemaDef, type TopicDef, type ValueFormat } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import type { InputOf, OutputOf, Schema, Shape } from './schema.ts'

/** Fields that can be part of a key: text, numbers and booleans that are always there. */
export type KeyField<T> = { [K in keyof T]-?: T[K] extends string | number | boolean ? K : never }[keyof T] & string

/** Phantom types: `accepts` is checked against what a producer gives, `gives` is what a reader gets. */
export interface Topic<In, Out> extends Defined<{ is: 'topic'; def: TopicDef; schema: SchemaDef }> {
  readonly name: string
  readonly accepts?: (value: In) => void
  readonly gives?: () => Out
  readonly value: Schema<Shape>
}

export interface TopicOptions<S extends Shape> {
  value: Schema<S>
  /** Field or fields that make the record key: records of one key stay in order. */
  key?: KeyField<OutputOf<S>> | readonly KeyField<OutputOf<S>>[]
  /** Default 1. */
  partitions?: number
  /**
   * How values are written: Avro, its schema in the schema registry, or JSON. Default: the config's `kafka.format`. A topic that is there keeps
   * the format it was begun with.
   */
  format?: ValueFormat
  /** Replicas when the topic is created. Default: `kafka.replicationFactor` of the config, else the cluster's own default. */
  replicationFactor?: number
  /** Kafka's own topic configs, used when the topic is created, e.g. `{ 'retention.ms': '604800000' }`; they win over the config's `kafka.topicConfigs`. */
  configs?: Readonly<Record<string, string>>
}

/** @throws MillraceError DEFINITION_INVALID for a name, partition count or replication factor that Kafka refuses */
export function topic<S extends Shape>(name: string, options: TopicOptions<S>): Topic<InputOf<S>, OutputOf<S>> {
  const { value, key = [], partitions = 1, format, replicationFactor, configs = {} } = options
  if (!topicNamePattern.test(name)) {
    throw new MillraceError('DEFINITION_INVALID', `topic "${name}": use 1 to 249 letters, digits, ".", "_" or "-".`)
  }
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new MillraceError('DEFINITION_INVALID', `topic ${name}: partitions is ${partitions}; it is a whole number of at least 1.`)
  }
  if (replicationFactor !== undefined && (!Number.isInteger(replicationFactor) || replicationFactor < 1)) {
    const given = `topic ${name}: replicationFactor is ${replicationFactor}`
    throw new MillraceError('DEFINITION_INVALID', `${given}; it is a whole number of at least 1, or left out.`)
  }
  if (format !== undefined && format !== 'avro' && format !== 'json')
    throw new MillraceError('DEFINITION_INVALID', `topic ${name}: format is ${JSON.stringify(format)}; write 'avro' or 'json'.`)
  const keyFields: readonly string[] = typeof key === 'string' ? [key] : [...key]
  const missing = keyFields.find((field) => !(field in value.shape))
  if (missing !== undefined)
    throw new MillraceError('DEFINITION_INVALID', `topic ${name}: key field "${missing}" is not in schema ${value.name}.`)
  const def: TopicDef = {
    name,
    schema: value.name,
    key: [...keyFields],
    partitions,
    ...(format === undefined ? {} : { format }),
    configs: { ...configs },
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
  }
  return { name, value, [definition]: { is: 'topic', def, schema: value[definition].def } }
}
