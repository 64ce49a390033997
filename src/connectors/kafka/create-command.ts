import { shellWord } from '../../platform/index.ts'
import type { PlannedTopic } from './ensure-topics.ts'

/** What an administrator runs to make the topic: Kafka's own tool, signed in by a file of their own. */
export function createCommand(topic: PlannedTopic, brokers: readonly { host: string; port: number }[]): string {
  const [broker] = brokers
  const server = broker === undefined ? '<broker:port>' : `${broker.host}:${broker.port}`
  const options = [
    `--bootstrap-server ${server} --command-config admin.properties`,
    `--create --if-not-exists --topic ${topic.name} --partitions ${topic.partitions}`,
    ...(topic.replicationFactor > 0 ? [`--replication-factor ${topic.replicationFactor}`] : []),
    ...Object.entries(topic.configs).map(([name, value]) => `--config ${shellWord(`${name}=${value}`)}`),
  ]
  return `kafka-topics.sh ${options.join(' ')}`
}
