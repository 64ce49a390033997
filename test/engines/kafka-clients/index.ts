import { packageTitle, toolTitle } from '../../harness/judges.ts'
import { runPython } from '../python.ts'
import { missingGo, runFranzGo } from './franz-go.ts'
import { runJavaTools } from './java-tools.ts'
import { kcat, runKcat } from './kcat.ts'
import { runKafkaJs } from './kafkajs.ts'
import { runKafkaTs } from './kafka-ts.ts'
import { runPlatformatic } from './platformatic.ts'

/** A client of Kafka that others wrote, run from its own program on an empty broker. */
export interface ForeignClient {
  /** As `test/data/kafka-clients.ts` names it. */
  readonly name: string
  /** With its version. */
  readonly title: string
  /** What is lacking to run it, and how to get it; null: nothing. */
  readonly lacking: string | null
  /** Its checks, with what they saw. */
  readonly run: (servers: string) => Promise<Record<string, unknown>>
}

export const foreignClients: readonly ForeignClient[] = [
  { name: 'kcat', title: toolTitle('kcat', kcat, '-V'), lacking: kcat === null ? 'kcat is not installed' : null, run: runKcat },
  {
    name: 'confluent-kafka',
    title: 'confluent-kafka 2.16.0',
    lacking: null,
    run: async (servers) => Object.fromEntries(Object.entries(Object(await runPython('confluent-kafka.py', servers)))),
  },
  { name: 'kafkajs', title: packageTitle('kafkajs'), lacking: null, run: runKafkaJs },
  { name: 'kafka-ts', title: packageTitle('kafka-ts'), lacking: null, run: runKafkaTs },
  { name: '@platformatic/kafka', title: packageTitle('@platformatic/kafka'), lacking: null, run: runPlatformatic },
  { name: "Kafka's own tools", title: "Kafka's own tools 4.3.0", lacking: null, run: runJavaTools },
  { name: 'franz-go', title: 'franz-go 1.22.2', lacking: missingGo(), run: runFranzGo },
]
