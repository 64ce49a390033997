import { describe, expect, it } from 'vitest'
import { createTopics, errorCodes, findCoordinator, initProducerId } from '../kafka-wire/index.ts'
import { connectKafka, type KafkaClient } from './index.ts'
import { on, onMetadata, startScriptedBroker } from './scripted-broker.ts'

/** A broker whose user may do nothing but look. */
async function world(): Promise<{ kafka: KafkaClient } & AsyncDisposable> {
  const broker = await startScriptedBroker((port) => [
    onMetadata(port, { there: 1 }),
    on(createTopics, ({ topics }) => ({
      topics: topics.map(({ name }) => ({
        name,
        topicId: '00000000-0000-0000-0000-000000000000',
        errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED,
        errorMessage: 'Authorization failed.',
      })),
    })),
    on(initProducerId, () => ({ errorCode: errorCodes.CLUSTER_AUTHORIZATION_FAILED, producerId: -1n, producerEpoch: -1 })),
    on(
      findCoordinator,
      () => ({ errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED, errorMessage: null, nodeId: -1, host: '', port: -1 }),
      3,
    ),
  ])
  const kafka = await connectKafka({ bootstrapServers: [broker.address], clientId: 'test', requestTimeoutMs: 3_000 })
  return {
    kafka,
    [Symbol.asyncDispose]: async () => {
      await kafka.close()
      await broker[Symbol.asyncDispose]()
    },
  }
}

describe('a user without the right', () => {
  it('to create uses the topic that is there', async () => {
    await using limited = await world()
    expect(await limited.kafka.admin.createTopics([{ name: 'there', partitions: 1 }])).toEqual([{ name: 'there', created: false }])
  })

  it('to create one that is not there learns what to ask for, with the settings the topic would have', async () => {
    await using limited = await world()
    const topic = { name: 'new', partitions: 6, replicationFactor: 3, configs: { 'cleanup.policy': 'compact' } }
    const failure: unknown = await limited.kafka.admin.createTopics([topic]).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'KAFKA', retriable: false, details: { missingRight: 'Create', resource: 'topic new' } })
    expect(String(failure)).toContain(
      'kafka-acls.sh --bootstrap-server <host:port> --add --allow-principal User:<name> --operation Create --topic new',
    )
    expect(String(failure)).toContain('--create --topic new --partitions 6 --replication-factor 3 --config cleanup.policy=compact')
  })

  it('to write anywhere is told so when the broker gives no producer id', async () => {
    await using limited = await world()
    await expect(limited.kafka.producer().send([{ topic: 'there', key: null, value: 'x' }])).rejects.toMatchObject({
      retriable: false,
      message: expect.stringContaining('grant Write on the topic'),
      details: { errorName: 'CLUSTER_AUTHORIZATION_FAILED' },
    })
  })

  it('on a group is told which group', async () => {
    await using limited = await world()
    await using consumer = limited.kafka.consumer({ groupId: 'others', topics: ['there'], startingOffsets: 'earliest' })
    await expect(consumer.poll()).rejects.toMatchObject({ details: { missingRight: 'Read', resource: 'group others' } })
  })
})
