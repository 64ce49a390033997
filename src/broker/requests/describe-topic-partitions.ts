import { describeTopicPartitions, errorCodes, type DescribeTopicPartitionsResponse } from '../../kafka-wire/index.ts'
import type { Topic } from '../topics/topics.ts'
import { operations } from './authorized-operations.ts'
import { handler } from './handler.ts'
import { codeOfMissing, describePartition } from './metadata.ts'

const zeroId = '00000000-0000-0000-0000-000000000000'

/** Topics by name with their partitions, so many at a time (KIP-966): the answer's cursor is where the next request goes on. No names are all. */
export const describeTopicPartitionsHandler = handler(describeTopicPartitions, [0, 0], (request, { broker }) => {
  const { cursor } = request
  const named = request.topics.length > 0
  const all = named ? request.topics.map(({ name }) => name) : broker.topics.all().map(({ name }) => name)
  const names = [...new Set(all)].filter((name) => cursor === null || name >= cursor.topicName).toSorted((a, b) => (a < b ? -1 : 1))
  let left = Math.max(1, Math.min(request.responsePartitionLimit, broker.config.number('max.request.partition.size.limit')))
  const topics: DescribeTopicPartitionsResponse['topics'] = []
  let nextCursor: DescribeTopicPartitionsResponse['nextCursor'] = null
  for (const name of names) {
    const topic = broker.topics.get(name)
    if (!topic) {
      topics.push({ ...described(name), errorCode: codeOfMissing(name), topicId: zeroId, isInternal: false, partitions: [] })
      continue
    }
    const from = cursor?.topicName === name ? Math.max(0, cursor.partitionIndex) : 0
    if (left === 0) {
      nextCursor = { topicName: name, partitionIndex: from }
      break
    }
    const partitions = partitionsOf(topic).slice(from, from + left)
    topics.push({ ...described(name), topicId: topic.id, isInternal: topic.internal, partitions })
    left -= partitions.length
    if (from + partitions.length < topic.logs.length) {
      nextCursor = { topicName: name, partitionIndex: from + partitions.length }
      break
    }
  }
  return { throttleTimeMs: 0, topics, nextCursor }
})

function described(name: string): { errorCode: number; name: string; topicAuthorizedOperations: number } {
  return { errorCode: errorCodes.NONE, name, topicAuthorizedOperations: operations.topic }
}

function partitionsOf(topic: Topic): DescribeTopicPartitionsResponse['topics'][number]['partitions'] {
  return topic.logs.map((log, partitionIndex) => ({
    ...describePartition(log, partitionIndex),
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  }))
}
