import { resolve } from 'node:path'
import { createApiClient, type ApiClient } from '../api-client/index.ts'
import type { Endpoints } from '../core/index.ts'
import { MillraceError } from '../platform/index.ts'
import { dataDirOf, findConfig, loadSettings, readApiAddress, type Settings } from '../runtime/index.ts'
import { createOutput, type Output } from './output.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  project: string
  json: boolean
  kafka?: string
  cassandra?: string
}

/** How a command reaches things: the running Millrace over its socket, or systems by their address. */
export interface Context {
  readonly projectDir: string
  readonly output: Output
  /** The API of the running Millrace; throws NOT_RUNNING when there is none. */
  readonly api: () => Promise<ApiClient>
  kafka(): Promise<Endpoints['kafka']>
  cassandra(): Promise<Endpoints['cassandra']>
  settings(): Promise<Settings>
}

export function createContext(options: GlobalOptions, env: NodeJS.ProcessEnv = process.env): Context {
  const from = resolve(options.project)
  const settings = once(() => loadSettings({ projectDir: from, env }))
  const api = once(() => findApi(from, env, settings))
  const running = once(async (): Promise<Endpoints | null> => {
    try {
      return (await (await api()).endpoints()).endpoints
    } catch (error) {
      if (error instanceof MillraceError && ['NOT_RUNNING', 'CONFIG_MISSING'].includes(error.code)) return null
      throw error
    }
  })
  return {
    projectDir: from,
    output: createOutput(options.json),
    settings,
    api,
    kafka: async () => {
      const given = options.kafka ?? env.MILLRACE_KAFKA_BOOTSTRAP_SERVERS
      if (given !== undefined) return { bootstrapServers: given.split(',') }
      const endpoints = await running()
      return endpoints?.kafka ?? { bootstrapServers: [`127.0.0.1:${env.MILLRACE_KAFKA_PORT ?? '9092'}`] }
    },
    cassandra: async () => {
      const given = options.cassandra ?? env.MILLRACE_CASSANDRA_CONTACT_POINTS
      const endpoints = given === undefined ? await running() : null
      if (endpoints !== null) return endpoints.cassandra
      const contactPoints = given?.split(',') ?? [`127.0.0.1:${env.MILLRACE_CQL_PORT ?? '9042'}`]
      return { contactPoints, localDataCenter: 'datacenter1', consistency: 'LOCAL_ONE' }
    },
  }
}

/** The usual data folder is looked at first: reading the config takes a child process. */
async function findApi(from: string, env: NodeJS.ProcessEnv, settings: () => Promise<Settings>): Promise<ApiClient> {
  const dataDir = dataDirOf(env.MILLRACE_DATA_DIR === undefined ? findConfig(from).projectDir : from, env, undefined)
  const address = readApiAddress(dataDir) ?? readApiAddress((await settings()).dataDir)
  if (address === null) throw new MillraceError('NOT_RUNNING', 'Millrace is not running: start it with "millrace start".')
  return createApiClient(address.socket)
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => (made ??= make())
}
