import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureArtifacts } from '../../../tools/engines/artifacts.ts'
import { missing } from '../../../tools/engines/requirements.ts'
import { kafka3 } from '../../../tools/engines/systems/index.ts'
import { runProgram } from './run-program.ts'

/** The programs of Kafka's `bin/`. Maven has those of 4.4 not yet. */
const tools = {
  title: "Kafka's own tools",
  artifacts: [{ is: 'maven', coordinates: ['org.apache.kafka:kafka-tools:4.3.0', 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.5'] }],
} as const

const [, , version] = tools.artifacts[0].coordinates[0].split(':')
export const javaToolsTitle = `Kafka's own tools ${version}`

/** What is lacking to run them, and how to get it; null: nothing. */
export const missingJava = (): string | null => missing(kafka3.name)

const consoleProducer = 'org.apache.kafka.tools.ConsoleProducer'
const consoleConsumer = 'org.apache.kafka.tools.consumer.ConsoleConsumer'

/** Runs one of the programs with `--bootstrap-server`. */
type Tool = (main: string, args: readonly string[], input?: string) => Promise<string>

/** What differs from one start to the next. */
const changing: readonly (readonly [RegExp, string])[] = [
  [/TopicId: \S+/g, 'TopicId: …'],
  [/(Leader|Replicas|Isr|Elr|LastKnownElr): ?\S*/g, '$1: …'],
  [/Broker \d+/g, 'Broker …'],
]
const steady = (text: string): string[] =>
  changing
    .reduce((all, [what, by]) => all.replaceAll(what, by), text)
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter(Boolean)

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))

const checks: Readonly<Record<string, (run: Tool, dir: string) => Promise<unknown>>> = {
  'kafka-topics: create, alter, describe, list, delete': async (run) => {
    const topics = (...args: string[]): Promise<string> => run('org.apache.kafka.tools.TopicCommand', args)
    const created = await topics('--create', '--topic', 'java-topic', '--partitions', '2', '--config', 'retention.ms=3600000')
    await topics('--alter', '--topic', 'java-topic', '--partitions', '3')
    const described = await topics('--describe', '--topic', 'java-topic')
    const listed = await topics('--list', '--exclude-internal')
    await topics('--delete', '--topic', 'java-topic')
    const config = /retention\.ms=3600000/.test(described)
    const lines = steady(described).filter((line) => line.startsWith('Topic: java-topic Partition'))
    return [steady(created), config, lines.length, listed.includes('java-topic'), (await topics('--list')).includes('java-topic')]
  },
  'kafka-configs: change and describe, of a topic': async (run) => {
    const configs = (...args: string[]): Promise<string> => run('kafka.admin.ConfigCommand', args)
    await run('org.apache.kafka.tools.TopicCommand', ['--create', '--topic', 'java-configs'])
    const topic = ['--entity-type', 'topics', '--entity-name', 'java-configs']
    await configs('--alter', ...topic, '--add-config', 'retention.ms=1000,cleanup.policy=[compact,delete]')
    const changed = steady(await configs('--describe', ...topic)).filter((line) => line.includes('='))
    await configs('--alter', ...topic, '--delete-config', 'retention.ms')
    const reset = steady(await configs('--describe', ...topic)).filter((line) => line.includes('='))
    const own = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ')[0] ?? '').toSorted()
    const all = await configs('--describe', '--all', ...topic)
    return [own(changed), own(reset), /max\.message\.bytes=1048588/.test(all)]
  },
  'kafka-console-producer and -consumer: keys, headers, codecs, nulls': async (run) => {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const lines = [`h:${codec}\tk1\t${codec} 1`, `h:x\tk2\t<null>`].join('\n')
      const properties = ['parse.key=true', 'parse.headers=true', 'null.marker=<null>'].flatMap((one) => ['--reader-property', one])
      await run(consoleProducer, ['--topic', 'java-console', '--compression-codec', codec, ...properties], `${lines}\n`)
    }
    const shown = ['print.key=true', 'print.headers=true', 'print.offset=true', 'print.partition=true', 'null.literal=<null>']
    const formatted = shown.flatMap((one) => ['--formatter-property', one])
    const read = await run(consoleConsumer, ['--topic', 'java-console', '--from-beginning', '--max-messages', '10', ...formatted])
    return steady(read)
  },
  'kafka-producer-perf-test and kafka-consumer-perf-test': async (run) => {
    const common = ['--topic', 'java-perf', '--num-records', '20000', '--record-size', '100', '--throughput', '-1']
    const properties = ['acks=all', 'compression.type=lz4'].flatMap((one) => ['--command-property', one])
    const sent = await run('org.apache.kafka.tools.ProducerPerformance', [...common, ...properties])
    const transactional = ['--transactional-id', 'java-perf', '--transaction-duration-ms', '50']
    const inTransactions = await run('org.apache.kafka.tools.ProducerPerformance', [...common, ...transactional])
    const args = ['--topic', 'java-perf', '--num-records', '40000', '--timeout', '20000']
    const read = await run('org.apache.kafka.tools.ConsumerPerformance', args)
    // What it sent by windows stands before.
    const records = (text: string): string => /(\d+) records sent, [^\n]*50th/.exec(text)?.[1] ?? text
    return [records(sent), records(inTransactions), Number(read.trim().split('\n').at(-1)?.split(',')[4]) >= 40_000]
  },
  'kafka-verifiable-producer and -consumer': async (run) => {
    const sent = jsonLines(
      await run('org.apache.kafka.tools.VerifiableProducer', ['--topic', 'java-verifiable', '--max-messages', '500', '--acks', '-1']),
    )
    const of = (lines: readonly Record<string, unknown>[], name: string): number => lines.filter((line) => line.name === name).length
    const args = ['--topic', 'java-verifiable', '--group-id', 'java-verifiable', '--max-messages', '500', '--reset-policy', 'earliest']
    const read = jsonLines(await run('org.apache.kafka.tools.VerifiableConsumer', args))
    const counted = read.filter(({ name }) => name === 'records_consumed').reduce((sum, { count }) => sum + Number(count), 0)
    const commits = read.filter(({ name }) => name === 'offsets_committed')
    return [of(sent, 'producer_send_success'), of(sent, 'producer_send_error'), counted, commits.every(({ success }) => success === true)]
  },
  'kafka-consumer-groups: list, describe, reset, delete': async (run) => {
    const groups = (...args: string[]): Promise<string> => run('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', args)
    await run(consoleProducer, ['--topic', 'java-group'], 'a\nb\nc\nd\n')
    await run(consoleConsumer, ['--topic', 'java-group', '--group', 'java-group', '--from-beginning', '--max-messages', '4'])
    const listed = (await groups('--list')).split('\n').includes('java-group')
    const reset = ['--reset-offsets', '--group', 'java-group', '--topic', 'java-group', '--to-offset', '1', '--execute']
    await groups(...reset)
    const described = steady(await groups('--describe', '--group', 'java-group')).find((line) => line.startsWith('java-group '))
    const state = steady(await groups('--describe', '--group', 'java-group', '--state')).find((line) => line.startsWith('java-group '))
    const deleted = steady(await groups('--delete', '--group', 'java-group'))
    return [
      listed,
      described,
      state?.split(' ').filter((word) => word === 'Empty'),
      deleted,
      (await groups('--list')).includes('java-group'),
    ]
  },
  'kafka-get-offsets, kafka-delete-records, kafka-log-dirs': async (run, dir) => {
    await run(consoleProducer, ['--topic', 'java-deleted'], 'a\nb\nc\nd\n')
    const file = join(dir, 'deletions.json')
    writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic: 'java-deleted', partition: 0, offset: 3 }] }))
    const deleted = await run('org.apache.kafka.tools.DeleteRecordsCommand', ['--offset-json-file', file])
    const offsets = (time: string): Promise<string> =>
      run('org.apache.kafka.tools.GetOffsetShell', ['--topic', 'java-deleted', '--time', time])
    const dirs = await run('org.apache.kafka.tools.LogDirsCommand', ['--describe', '--topic-list', 'java-deleted'])
    const size = Number(/"partition":"java-deleted-0","size":(\d+)/.exec(dirs)?.[1])
    return [/low_watermark: 3/.test(deleted), steady(await offsets('earliest')), steady(await offsets('latest')), size > 0]
  },
  'kafka-transactions: list, describe, producers': async (run) => {
    const transactions = (...args: string[]): Promise<string> => run('org.apache.kafka.tools.TransactionsCommand', args)
    const args = [
      '--topic',
      'java-open',
      '--num-records',
      '10',
      '--record-size',
      '10',
      '--throughput',
      '-1',
      '--transactional-id',
      'java-open',
    ]
    await run('org.apache.kafka.tools.ProducerPerformance', args)
    const columns = (text: string): string[] => steady(text).map((line) => line.split(' ').slice(-1)[0] ?? '')
    const listed = steady(await transactions('list')).find((line) => line.startsWith('java-open '))
    const described = steady(await transactions('describe', '--transactional-id', 'java-open')).at(-1)
    const producers = columns(await transactions('describe-producers', '--topic', 'java-open', '--partition', '0'))
    return [listed?.split(' ').at(-1), described?.includes('CompleteCommit'), producers.length]
  },
  'kafka-leader-election, kafka-cluster, kafka-broker-api-versions': async (run, dir) => {
    await run('org.apache.kafka.tools.TopicCommand', ['--create', '--topic', 'java-leader'])
    const file = join(dir, 'partitions.json')
    writeFileSync(file, JSON.stringify({ partitions: [{ topic: 'java-leader', partition: 0 }] }))
    const elected = await run('org.apache.kafka.tools.LeaderElectionCommand', ['--election-type', 'preferred', '--path-to-json-file', file])
    const cluster = await run('org.apache.kafka.tools.ClusterTool', ['cluster-id'])
    const versions = await run('org.apache.kafka.tools.BrokerApiVersionsCommand', [])
    return [
      /preferred leader already/i.test(elected) || steady(elected),
      /Cluster ID: \S+/.test(cluster),
      versions.includes('Produce(0): '),
    ]
  },
  'TransactionalMessageCopier and read_committed': async (run) => {
    await run(consoleProducer, ['--topic', 'java-in'], Array.from({ length: 300 }, (_, i) => `${i}\n`).join(''))
    const copier = ['--transactional-id', 'java-copier', '--input-topic', 'java-in', '--input-partition', '0', '--output-topic', 'java-out']
    const how = ['--transaction-size', '20', '--max-messages', '300', '--consumer-group', 'java-copier', '--enable-random-aborts']
    const text = await runCopier(run, [...copier, ...how])
    const read = await run(consoleConsumer, [
      '--topic',
      'java-out',
      '--from-beginning',
      '--max-messages',
      '300',
      '--isolation-level',
      'read_committed',
    ])
    return [
      text,
      read
        .trim()
        .split('\n')
        .map(Number)
        .every((value, at) => value === at),
    ]
  },
}

async function runCopier(run: Tool, args: readonly string[]): Promise<unknown> {
  const last = jsonLines(await run('org.apache.kafka.tools.TransactionalMessageCopier', args)).at(-1)
  return [last?.consumed, last?.remaining]
}

/** Named otherwise than by `--bootstrap-server`. */
const serverOptions: Readonly<Record<string, string>> = {
  'org.apache.kafka.tools.TransactionalMessageCopier': '--broker-list',
}

const subcommandFirst = new Set(['org.apache.kafka.tools.ClusterTool'])

export async function runJavaTools(servers: string): Promise<Record<string, unknown>> {
  const [own, older] = [await ensureArtifacts(tools), await ensureArtifacts(kafka3)]
  // Maven has kafka-configs of 3.9 only.
  const jarsOf = (main: string): string => join(main.startsWith('kafka.admin.') ? older : own, '*')
  const dir = mkdtempSync(join(tmpdir(), 'millrace-tools-'))
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Xmx256m', '-Djava.net.preferIPv4Stack=true']
  const run: Tool = (main, args, input) => {
    const address = [serverOptions[main] ?? '--bootstrap-server', servers]
    const all = subcommandFirst.has(main) ? [...args, ...address] : [...address, ...args]
    return runProgram('java', [...quick, '-cp', jarsOf(main), main, ...all], {
      ...(input === undefined ? {} : { input }),
      timeoutMs: 300_000,
    })
  }
  const found: Record<string, unknown> = {}
  const waiting = Object.entries(checks)
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, check] = next
      found[name] = await check(run, dir).catch((error: unknown) => `failed: ${String(error).slice(0, 600)}`)
    }
  }
  try {
    // Most of the time is a JVM's start: two at a time.
    await Promise.all([work(), work()])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  return found
}
