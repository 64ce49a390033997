/** Names that other people's clusters keep (DESIGN, "Interfaces agreed"). `p` is the project's name. */
export const names = {
  group: (p: string, stream: string): string => `millrace.${p}.${stream}`,
  deadLetters: (p: string, stream: string): string => `${p}.${stream}.dlq`,
  /** Dead letters on their way back into a stream. */
  retry: (p: string, stream: string): string => `${p}.${stream}.retry`,
  cursors: (p: string): string => `__millrace_${p}_cursors`,
  /** `task`: of a source, which has one cursor, `0`; of a stream, who runs it; of dead letters, which one acts on at a time, `0`; of a service, which has several. */
  transactionalId: (p: string, of: 'source' | 'stream' | 'dead-letters' | 'client', name: string, task: string): string =>
    `millrace.${p}.${of}.${name}.${task}`,
  /** What the project's topics and streams were when they were last seen to: how a topic is written, say. */
  definitions: (p: string): string => `__millrace_${p}_definitions`,
  /** Subject of a topic's values in a schema registry (Confluent's TopicNameStrategy). */
  valueSubject: (topic: string): string => `${topic}-value`,
  runHeader: 'millrace.run',
  attemptHeader: 'millrace.attempt',
  pageHeader: 'millrace.page',
  /** W3C Trace Context, where the source is traced. */
  traceparentHeader: 'traceparent',
  writeTimeHeader: 'millrace.w',
  /** How often a record has been replayed. */
  replaysHeader: 'millrace.replays',
  /** The dead letter that a replayed record was, `partition:offset`. */
  replayOfHeader: 'millrace.replay-of',
  /** Where a replayed record stood when it first failed, `topic:partition:offset`. */
  originHeader: 'millrace.origin',
} as const

/** A project's name goes into topic and group names: letters, digits, `_` and `-`, at most 60. */
export const projectNamePattern = /^[A-Za-z0-9_-]{1,60}$/
/** Kafka's rule for topic names (`Topic.validate`). */
export const topicNamePattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/
/** Cassandra's rule for unquoted names, lower case. */
export const cqlNamePattern = /^[a-z][a-z0-9_]{0,47}$/
