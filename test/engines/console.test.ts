import { afterAll, beforeAll } from 'vitest'
import { engines, type CassandraEngine, type KafkaEngine } from '../../tools/engines/index.ts'
import { judgeConsole } from '../browser/console-suite.ts'
import { describeOn } from './available.ts'

describeOn(['kafka4', 'cassandra5'], 'the console on Kafka 4 and Cassandra 5', () => {
  let kafka: KafkaEngine
  let cassandra: CassandraEngine

  beforeAll(async () => {
    ;[kafka, cassandra] = await Promise.all([engines.kafka4(), engines.cassandra5()])
  }, 600_000)
  afterAll(async () => {
    await Promise.all([kafka[Symbol.asyncDispose](), cassandra[Symbol.asyncDispose]()])
  })

  judgeConsole(() => ({
    env: { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers, MILLRACE_CASSANDRA_CONTACT_POINTS: cassandra.contactPoint },
  }))
})
