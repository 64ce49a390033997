/** What `docs/kafka.md` says of requests that Kafka answers, and the embedded broker does not, or not in every version. */
export interface ApiDifference {
  readonly keys: readonly number[]
  readonly reason: string
}

export const apiDifferences: readonly ApiDifference[] = [
  { keys: [18, 28, 42], reason: 'the last version is newer than any client here; clients step down' },
  { keys: [38, 39, 40, 41], reason: 'there are no delegation tokens' },
  { keys: [64, 80, 81, 94], reason: 'of a quorum of controllers; there is one node' },
  { keys: [76, 77, 78, 79, 90, 91, 92], reason: 'share groups (KIP-932) come later' },
  { keys: [83, 84, 85, 86, 87], reason: 'between brokers, for share groups' },
  { keys: [88, 89, 93], reason: 'groups of Kafka Streams (KIP-1071) come later' },
]

export const limits: readonly string[] = [
  'One node, no replication: every partition has one replica, on this disk. `acks=all` waits for `fdatasync` (Kafka on one node does not), and readers see only what is synced; `flush: os` turns both off.',
  'A duplicate is known by the last five batches of its producer in each partition; after a restart by those among the last megabyte before it, and by the very last in any case. Compaction keeps the last alone, as in Kafka.',
  'One log folder; no tiered storage.',
  'Nobody is throttled: a client quota is refused, and none is ever described.',
  'Versions of Produce below 3 and of Fetch below 4 (Kafka before 0.11) are refused, as in Kafka 4.',
]
