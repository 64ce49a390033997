import { afterAll, beforeAll, describe } from 'vitest'
import { engines, type CassandraEngine, type KafkaEngine, type RegistryEngine } from '../../tools/engines/index.ts'
import { judgeConsoleAlone } from '../harness/console-alone-suite.ts'
import { findTool } from '../harness/tools.ts'
import { describeOn } from './available.ts'

const tools = [findTool('kcat', 'MILLRACE_KCAT'), findTool('cqlsh', 'MILLRACE_CQLSH')]

describeOn(['kafka4', 'cassandra5', 'apicurio'], 'the console alone on Kafka 4, Cassandra 5 and Apicurio', () => {
  let kafka: KafkaEngine
  let cassandra: CassandraEngine
  let registry: RegistryEngine

  beforeAll(async () => {
    ;[kafka, cassandra, registry] = await Promise.all([engines.kafka4(), engines.cassandra5(), engines.apicurio()])
  }, 600_000)
  afterAll(async () => {
    await Promise.all([kafka, cassandra, registry].map((engine) => engine[Symbol.asyncDispose]()))
  })

  describe.skipIf(tools.includes(null))('shows what kcat and cqlsh see', () => {
    judgeConsoleAlone(() => ({ kafka: kafka.bootstrapServers, cassandra: cassandra.contactPoint, registry: registry.url }))
  })
})
