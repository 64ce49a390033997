import { createTopics, errorCodes, type CreateTopicsRequest } from '../../kafka-wire/index.ts'
import { topicConfigsWithSources } from '../topics/described-configs.ts'
import { isInternalTopic } from '../topics/topics.ts'
import { handler, type RequestContext } from './handler.ts'

type Wanted = CreateTopicsRequest['topics'][number]

/** Creates topics, or only checks (`validateOnly`). −1 partitions are the broker's default (KIP-464). */
export const createTopicsHandler = handler(createTopics, [2, 7], async (request, context) => {
  const names = request.topics.map(({ name }) => name)
  const topics = await Promise.all(
    request.topics
      .filter(({ name }, i) => names.indexOf(name) === i)
      .map(async (wanted) => {
        if (names.indexOf(wanted.name) !== names.lastIndexOf(wanted.name))
          return failed(wanted.name, errorCodes.INVALID_REQUEST, 'the topic is named twice in the request')
        return create(wanted, request.validateOnly, context)
      }),
  )
  return { throttleTimeMs: 0, topics }
})

function failed(name: string, errorCode: number, errorMessage: string) {
  return { name, errorCode, errorMessage, numPartitions: -1, replicationFactor: -1, configs: [] }
}

async function create(wanted: Wanted, validateOnly: boolean, { broker }: RequestContext) {
  const { name } = wanted
  if (isInternalTopic(name))
    return failed(name, errorCodes.INVALID_REQUEST, `${name} belongs to the broker, which makes it when it is needed`)
  const shape = shapeOf(wanted, broker.config.number('num.partitions'))
  if ('errorCode' in shape) return failed(name, shape.errorCode, shape.message)
  const configs: Record<string, string> = {}
  for (const config of wanted.configs) {
    if (config.value === null) return failed(name, errorCodes.INVALID_CONFIG, `${config.name} has no value`)
    configs[config.name] = config.value
  }
  const refused = broker.topics.refuses(name, shape.partitions, configs)
  if (refused) return failed(name, refused.errorCode, refused.message)
  const described = topicConfigsWithSources(configs, broker.config).map(
    ({ documentation: _documentation, synonyms: _synonyms, configType: _type, ...config }) => config,
  )
  const made = {
    name,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    numPartitions: shape.partitions,
    replicationFactor: 1,
    configs: described,
  }
  if (validateOnly) return made
  const created = await broker.topics.create(name, shape.partitions, configs)
  return created.ok ? { ...made, topicId: created.topic.id } : failed(name, created.errorCode, created.message)
}

function shapeOf(
  { numPartitions, replicationFactor, assignments }: Wanted,
  defaultPartitions: number,
): { partitions: number } | { errorCode: number; message: string } {
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      return { errorCode: errorCodes.INVALID_REQUEST, message: 'give either an assignment or a number of partitions and replicas' }
    }
    const indexes = assignments.map(({ partitionIndex }) => partitionIndex).toSorted((a, b) => a - b)
    const sound =
      indexes.every((index, i) => index === i) && assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === 1)
    return sound
      ? { partitions: assignments.length }
      : { errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT, message: 'partitions are numbered from 0, each on broker 1 alone' }
  }
  if (replicationFactor !== -1 && replicationFactor !== 1) {
    return {
      errorCode: errorCodes.INVALID_REPLICATION_FACTOR,
      message: `Replication factor is ${replicationFactor}, but there is one broker.`,
    }
  }
  return { partitions: numPartitions === -1 ? defaultPartitions : numPartitions }
}
