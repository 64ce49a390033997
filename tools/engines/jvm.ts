import { join } from 'node:path'
import type { Command, Place } from './system.ts'

export interface JvmOptions {
  readonly mainClass: string
  readonly args: readonly string[]
  /** Heap; tests need little. */
  readonly heapMb?: { readonly from: number; readonly to: number }
  /** Before the jars: folders with configuration. */
  readonly classpath?: readonly string[]
  /** Folder of the jars; that of the artifacts without one. */
  readonly jars?: string
  readonly jvmArgs?: readonly string[]
  /** Compilers and collector; `quickStart` without one. */
  readonly tuning?: readonly string[]
}

/** One compiler tier and one collector thread: a server that runs for a minute beside others on two cores is up sooner so. */
const quickStart = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** What Kafka's own start scripts give (kafka-run-class.sh): for measuring. */
export const kafkaScripts = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
]

export function jvm(place: Place, options: JvmOptions): Command {
  const { from, to } = options.heapMb ?? { from: 256, to: 512 }
  const classpath = [...(options.classpath ?? []), join(options.jars ?? place.artifactDir, '*')].join(':')
  return {
    file: 'java',
    args: [
      `-Xms${from}m`,
      `-Xmx${to}m`,
      ...(options.tuning ?? quickStart),
      '-Djava.net.preferIPv4Stack=true',
      '-Djava.awt.headless=true',
      ...(options.jvmArgs ?? []),
      '-cp',
      classpath,
      options.mainClass,
      ...options.args,
    ],
  }
}

/** The lines of a `.properties` file. */
export function properties(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
