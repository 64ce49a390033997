import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureArtifacts } from '../../../tools/engines/artifacts.ts'
import { missing, missingArtifacts } from '../../../tools/engines/requirements.ts'
import { kafka3 } from '../../../tools/engines/systems/index.ts'
import { runProgram } from './run-program.ts'

const coordinates = ['org.apache.kafka:kafka-streams:4.3.0', 'org.slf4j:slf4j-nop:1.7.36'] as const
const libraries = { title: 'Kafka Streams', artifacts: [{ is: 'maven', coordinates }] } as const
const source = join(import.meta.dirname, '../data/kafka-streams/Judged.java')

export const kafkaStreamsTitle = `Kafka Streams ${coordinates[0].split(':')[2]}`

/** What is lacking to run it, and how to get it; null: nothing. */
export const missingKafkaStreams = (): string | null => missing(kafka3.name) ?? missingArtifacts(libraries)

/** Its checks with what it saw, by their names. `java` compiles the one file itself. */
export async function runKafkaStreams(servers: string): Promise<Record<string, unknown>> {
  const jars = join(await ensureArtifacts(libraries), '*')
  const dir = mkdtempSync(join(tmpdir(), 'millrace-streams-'))
  try {
    const written = await runProgram('java', ['-XX:+UseSerialGC', '-Xmx512m', '-cp', jars, source, servers, dir], { timeoutMs: 400_000 })
    const lines = written.split('\n').filter((line) => line.includes('\t'))
    return Object.fromEntries(lines.map((line) => [line.split('\t')[0], JSON.parse(line.split('\t')[1] ?? '')]))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
