import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { artifactDir, ensureArtifacts } from './artifacts.ts'
import { makeRunDir } from './cache.ts'
import { jvm, type JvmOptions } from './jvm.ts'
import { kafka3, log4j2 } from './systems/kafka.ts'

/** Kafka's command line tools, by its own name (`org.apache.kafka.tools.…`). The last version that is on Maven Central. */
const kafkaTools = {
  title: "Kafka 4.3.0's tools",
  artifacts: [{ is: 'maven', coordinates: ['org.apache.kafka:kafka-tools:4.3.0', 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.5'] }],
} as const

const maxOutputBytes = 64 << 20

/** Brings them; a minute the first time. */
export async function bringKafkaTools(): Promise<void> {
  await ensureArtifacts(kafkaTools)
}

/** Runs one (or, by a name that begins with `kafka.`, one of the server of Kafka 3.9) to its end and gives what it printed; rejects with that when it failed. `files` are written beside it: their paths are its arguments by `{name}`. */
export async function runKafkaTool(
  mainClass: string,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  { heapMb = { from: 32, to: 256 }, ...tuned }: Pick<JvmOptions, 'heapMb' | 'tuning'> = {},
): Promise<string> {
  const dir = makeRunDir('kafka-tool')
  for (const [name, content] of Object.entries({ ...files, 'log4j2.properties': log4j2.replaceAll('INFO', 'ERROR') })) {
    writeFileSync(join(dir, name), content, { mode: 0o600 })
  }
  const { file, args: all } = jvm(
    { dir, artifactDir: artifactDir(mainClass.startsWith('kafka.') ? kafka3 : kafkaTools), ports: {}, secrets: {}, advertised: {} },
    {
      mainClass,
      args: args.map((arg) => arg.replace(/^\{(.+)\}$/, (_, name: string) => join(dir, name))),
      jvmArgs: [`-Dlog4j2.configurationFile=${join(dir, 'log4j2.properties')}`],
      heapMb,
      ...tuned,
    },
  )
  // Some tell what went wrong on their standard output.
  return new Promise((resolve, reject) => {
    execFile(file, all, { maxBuffer: maxOutputBytes }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${mainClass} failed: ${stdout}${stderr}`, { cause: error }))
      else resolve(stdout)
    })
  })
}
