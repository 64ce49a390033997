import { packageTitle, toolTitle } from '../../harness/judges.ts'
import { kafkaClients, type KafkaClientName } from '../../data/kafka-clients.ts'
import { missingPython, pythonPackageTitle, runPythonChecks } from '../python.ts'
import {
  bringConfluentJavaScript,
  confluentJavaScriptTitle,
  missingConfluentJavaScript,
  runConfluentJavaScript,
} from './confluent-javascript.ts'
import { franzGoTitle, missingGo, runFranzGo } from './franz-go.ts'
import { javaToolsTitle, missingJava, runJavaTools } from './java-tools.ts'
import { kcat, runKcat } from './kcat.ts'
import { runKafkaJs } from './kafkajs.ts'
import { kafkaConnectTitle, missingKafkaConnect, runKafkaConnect } from './kafka-connect.ts'
import { kafkaStreamsTitle, missingKafkaStreams, runKafkaStreams } from './kafka-streams.ts'
import { runKafkaTs } from './kafka-ts.ts'
import { runPlatformatic } from './platformatic.ts'

/** A client of Kafka that others wrote, run from its own program on an empty broker. */
interface ForeignClient {
  /** With its version. */
  readonly title: string
  /** What is lacking to run it, and how to get it; null: nothing. */
  readonly lacking: string | null
  /** Makes what takes minutes where nothing of it is in a cache. */
  readonly bring?: () => Promise<void>
  /** Its checks, with what they saw. */
  readonly run: (servers: string) => Promise<Record<string, unknown>>
}

const programs: Readonly<Record<KafkaClientName, ForeignClient>> = {
  kcat: { title: toolTitle('kcat', kcat, '-V'), lacking: kcat === null ? 'kcat is not installed' : null, run: runKcat },
  'confluent-kafka': python('confluent-kafka', 'confluent-kafka.py'),
  'kafka-python': python('kafka-python', 'kafka-python.py'),
  aiokafka: python('aiokafka', 'aiokafka-checks.py'),
  kafkajs: { title: packageTitle('kafkajs'), lacking: null, run: runKafkaJs },
  'kafka-ts': { title: packageTitle('kafka-ts'), lacking: null, run: runKafkaTs },
  '@platformatic/kafka': { title: packageTitle('@platformatic/kafka'), lacking: null, run: runPlatformatic },
  '@confluentinc/kafka-javascript': {
    title: confluentJavaScriptTitle,
    lacking: missingConfluentJavaScript(),
    bring: bringConfluentJavaScript,
    run: runConfluentJavaScript,
  },
  "Kafka's own tools": { title: javaToolsTitle, lacking: missingJava(), run: runJavaTools },
  'Kafka Streams': { title: kafkaStreamsTitle, lacking: missingKafkaStreams(), run: runKafkaStreams },
  'Kafka Connect': { title: kafkaConnectTitle, lacking: missingKafkaConnect(), run: runKafkaConnect },
  'franz-go': { title: franzGoTitle(), lacking: missingGo(), run: runFranzGo },
}

function python(client: string, script: string): ForeignClient {
  return { title: pythonPackageTitle(client), lacking: missingPython(), run: (servers) => runPythonChecks(script, servers) }
}

/** Those that `docs/kafka.md` names, with their programs. In CI each must run: the page says that it passes. */
export const foreignClients = kafkaClients.map(({ name, checks }) => {
  const program: ForeignClient = programs[name]
  if (program.lacking !== null && process.env.CI === 'true') throw new Error(`${name} must run in CI. ${program.lacking}`)
  return { name, checks, ...program }
})
