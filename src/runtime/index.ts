import type { CheckedLog, DumpedBatch, LogFiles } from '../broker/index.ts'
import type { CheckedStore, CompactedStore } from '../cql-store/index.ts'
import type { Part } from '../platform/index.ts'
import type { OffsetPorts, TopicValues } from '../api-server/index.ts'
import type { Endpoints, Json, RegistryEndpoint } from '../core/index.ts'
import type { PlanOptions } from './apply.ts'
import type { Fixes } from './children/fixes.ts'
import type { Clients } from './clients.ts'
import type { ConsoleAlone, ConsoleOptions } from './console-alone/start-console.ts'
import type { Served, ServedPart, ServeOptions, StoreAccess } from './serve.ts'
import type { BrokerAccess, ListenAt } from './serve-broker.ts'
import type { Environment, Settings } from '../settings/index.ts'
import type { Millrace, StartOptions } from './start.ts'
import type { DevOptions } from './reload/reloading.ts'
import type { StoppedOffsets } from './offsets/stopped-offsets.ts'
import type { InlineTaskOptions } from './task-inline.ts'
import type * as tables from './tables.ts'

export { findConfig } from './children/loading.ts'
export { basePathForm, basePathOf, dataDirOf, settingsOf } from '../settings/index.ts'
export { version } from './version.ts'
export type {
  BrokerAccess,
  CheckedLog,
  Clients,
  ConsoleAlone,
  DevOptions,
  DumpedBatch,
  ListenAt,
  LogFiles,
  Millrace,
  OffsetPorts,
  Served,
  ServedPart,
  ServeOptions,
  Settings,
  StartOptions,
  StoreAccess,
}

// The parts, and what judges a config, are loaded when they are needed: commands that only ask a running Millrace stay quick.

/** Reads the project's config and resolves it with the environment. */
export async function loadSettings(options: { projectDir: string; env: Environment }): Promise<Settings> {
  return (await import('./load-settings.ts')).loadSettings(options)
}

/** Reads the tables of a data folder as a whole, also while Millrace runs; NOT_FOUND where there are none. */
export async function checkTables(...args: Parameters<typeof tables.checkTables>): Promise<CheckedStore> {
  return (await import('./tables.ts')).checkTables(...args)
}

/** Gives back the room of what was deleted from the tables; DATA_DIR_IN_USE while Millrace runs. */
export async function compactTables(...args: Parameters<typeof tables.compactTables>): Promise<CompactedStore> {
  return (await import('./tables.ts')).compactTables(...args)
}

/** Starts the parts in dependency order, then everything the pipeline files define. */
export async function startMillrace(options: StartOptions): Promise<Millrace> {
  return (await import('./start.ts')).startMillrace(options)
}

/** The doctor when nothing runs: what would keep a start from succeeding. */
export async function diagnoseStopped(options: {
  projectDir: string
  env: Readonly<Record<string, string | undefined>>
}): ReturnType<typeof import('./stopped.ts').diagnoseStopped> {
  return (await import('./stopped.ts')).diagnoseStopped(options)
}

/** `millrace serve`: one part alone, in this process. */
export async function serve(part: ServedPart, options: ServeOptions): Promise<Served> {
  return (await import('./serve.ts')).serve(part, options)
}

/** `millrace console`: the console alone, on clusters that are there already. */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleAlone> {
  return (await import('./console-alone/start-console.ts')).startConsole(options)
}

/** `millrace log`: the broker's logs as files. */
export async function withLogFiles<T>(dataDir: string, forChange: boolean, action: (files: LogFiles) => Promise<T>): Promise<T> {
  return (await import('./log-files.ts')).withLogFiles(dataDir, forChange, action)
}

/** `millrace randomuser`: the stand-in server alone, on loopback. */
export async function serveRandomUser(port: number): Promise<Part> {
  const { startRandomUserStandIn } = await import('../connectors/index.ts')
  return startRandomUserStandIn({ host: '127.0.0.1', port })
}

/** Reads and writes values for the command line. */
export interface ValuesForPeople extends Pick<TopicValues, 'makeReadyFor' | 'decode'> {
  /** Encodes JSON by the last schema of the topic's values; null: they have none. */
  writer(topic: string, signal: AbortSignal): Promise<((value: Json) => Uint8Array) | null>
  close(): void
}

export async function openValues(registry: RegistryEndpoint | null): Promise<ValuesForPeople> {
  const [{ avroWriter, topicValues }, { createRegistryClient }] = await Promise.all([
    import('./topic-values.ts'),
    import('../registry-client/index.ts'),
  ])
  const client = registry && createRegistryClient(registry)
  const values = topicValues(client, () => false)
  return {
    makeReadyFor: (batch, signal) => values.makeReadyFor(batch, signal),
    decode: (bytes) => values.decode(bytes),
    writer: (topic, signal) => avroWriter(client, topic, signal),
    close: () => client?.close(),
  }
}

/** `millrace dlq replay --map`: the author's fix file, in a process of its own. */
export async function openFixes(path: string, onLine: (line: string) => void): Promise<Fixes> {
  return (await import('./children/fixes.ts')).openFixes(path, onLine)
}

/** `millrace plan` and `millrace apply`. */
export async function planOrApply(options: PlanOptions, apply: boolean): ReturnType<typeof import('./apply.ts').planOrApply> {
  return (await import('./apply.ts')).planOrApply(options, apply)
}

/** Opens clients of systems; a child process gives tokens where the author's function does. `owner` marks that child. */
export async function openClients(endpoints: Pick<Endpoints, 'kafka' | 'cassandra'>, owner: string): Promise<Clients> {
  return (await import('./clients.ts')).createClients(endpoints, { owner, onLine: (line) => void process.stderr.write(`${line}\n`) })
}

/** `millrace task run`: one task in a child of this process, by the files as they are now. */
export async function runTaskInline(options: InlineTaskOptions): ReturnType<typeof import('./task-inline.ts').runTaskInline> {
  return (await import('./task-inline.ts')).runTaskInline(options)
}

/** `millrace reset` and `replay` where Millrace does not run: over Kafka alone. */
export async function withStoppedOffsets<T>(options: StoppedOffsets, action: (offsets: OffsetPorts) => Promise<T>): Promise<T> {
  return (await import('./offsets/stopped-offsets.ts')).withStoppedOffsets(options, action)
}
