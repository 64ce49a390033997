import { startSchemaRegistry } from '../../src/testing/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { judgeMillraceClient } from '../harness/client-suite.ts'
import type { ClientSystems } from '../harness/client-systems.ts'
import { describeOn } from './available.ts'

describeOn(['kafka4', 'cassandra5'], 'millrace/client on Kafka 4 and Cassandra 5', () => judgeMillraceClient(startRealSystems))

/** The registry is ours: it keeps its schemas in that Kafka. */
async function startRealSystems(): Promise<ClientSystems> {
  const [kafka, cassandra] = await Promise.all([engines.kafka4(), engines.cassandra5()])
  const registry = await startSchemaRegistry({ kafka })
  return {
    kafka: kafka.bootstrapServers,
    registry: registry.url,
    cassandra: cassandra.contactPoint,
    stopKafka: () => kafka.kill(),
    restartKafka: () => kafka.restart(),
    [Symbol.asyncDispose]: async () => {
      await registry.close()
      await cassandra[Symbol.asyncDispose]()
      await kafka[Symbol.asyncDispose]()
    },
  }
}
