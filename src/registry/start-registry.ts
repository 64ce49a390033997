import Fastify, { type FastifyInstance } from 'fastify'
import { connectKafka, type KafkaClient, type KafkaConnectOptions } from '../kafka-client/index.ts'
import {
  asMillraceError,
  isLoopback,
  type Logger,
  messageOf,
  MillraceError,
  type Part,
  startOrRelease,
  silentLogger,
  systemClock,
  type Clock,
} from '../platform/index.ts'
import { bodyTypes, createGuard } from './guard.ts'
import { interceptRequest, type RegistryInterceptor } from './interception.ts'
import { listenForRegistry, type RegistryListener } from './listener.ts'
import { RegistryError, registryErrors } from './registry-error.ts'
import { addSchemaRoutes } from './routes/schemas.ts'
import { addCompatibilityRoutes, addSettingRoutes } from './routes/settings.ts'
import { addSubjectRoutes } from './routes/subjects.ts'
import { SchemaLog } from './schema-log.ts'
import { SchemaRegistry } from './schema-registry.ts'

export interface RegistryOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** Name other machines reach it by, besides `host`. */
  advertisedHost?: string
  /** Asked for by HTTP Basic; must be there beyond loopback (P8). */
  credentials?: { username: string; password: string }
  /** Where `_schemas` lives: a client, which stays the caller's, or how to connect to it. */
  kafka: KafkaClient | KafkaConnectOptions
  /** A port that was taken before, on `host`; it goes with the registry, and when that does not start. */
  listener?: RegistryListener
  log?: Logger
  clock?: Clock
  /** Decides about each request before it is carried out: errors, delays and lost connections for tests of clients. */
  intercept?: RegistryInterceptor
}

export interface RegistryHandle extends Part {
  readonly port: number
}

const contentType = 'application/vnd.schemaregistry.v1+json'
const maxBodyBytes = 4 * 1_048_576

/**
 * A schema registry with Confluent's REST contract on the topic `_schemas`; one at a time may write there.
 * Errors: PORT_BUSY, CREDENTIALS_REQUIRED (P8), BAD_REQUEST when `_schemas` is not fit, those of Kafka.
 */
export function startRegistry(options: RegistryOptions, context: { signal?: AbortSignal } = {}): Promise<RegistryHandle> {
  const { host, port, advertisedHost = host, credentials = null, log = silentLogger, clock = systemClock } = options
  return startOrRelease(async (releasers) => {
    releasers.add('given listener', () => options.listener?.close())
    // P8: nothing listens beyond loopback without credentials.
    if (!isLoopback(host) && !credentials?.password) {
      const message = `The registry does not listen on ${host} without a user name and password: give it credentials, or use 127.0.0.1.`
      throw new MillraceError('CREDENTIALS_REQUIRED', message, { details: { host } })
    }
    const listener = options.listener ?? (await listenForRegistry({ host, port }))
    releasers.add('listener', () => listener.close())
    const kafka = 'admin' in options.kafka ? options.kafka : await connectKafka({ ...options.kafka, ...context })
    if (kafka !== options.kafka) releasers.add('kafka', () => kafka.close())
    const schemas = await SchemaLog.open(kafka, { clock, log, ...context })
    releasers.add('schemas', () => schemas.close())
    const server = Fastify({ logger: false, bodyLimit: maxBodyBytes, routerOptions: { maxParamLength: 1_000 } })
    releasers.add('server', () => server.close())
    const guard = createGuard({ hosts: [host, advertisedHost], credentials })
    const { clusterId } = await kafka.admin.metadata([])
    addRoutes(server, new SchemaRegistry(schemas), { guard, log, clusterId: clusterId ?? '', clock, intercept: options.intercept ?? null })
    await server.ready()
    // Once more, as the first to go: what is being answered needs the schemas.
    releasers.add('requests', () => listener.close())
    listener.answerBy((request, response) => server.routing(request, response))
    const close = (): Promise<void> => releasers.close()
    return {
      address: listener.address,
      port: listener.port,
      failed: new Promise<never>(() => undefined),
      close,
      [Symbol.asyncDispose]: close,
    }
  })
}

interface Surroundings {
  guard: ReturnType<typeof createGuard>
  log: Logger
  clusterId: string
  clock: Clock
  intercept: RegistryInterceptor | null
}

function addRoutes(server: FastifyInstance, registry: SchemaRegistry, { guard, log, clusterId, clock, intercept }: Surroundings): void {
  server.addHook('onRequest', guard)
  if (intercept) server.addHook('onRequest', (request, reply) => interceptRequest(intercept, request, reply, clock))
  server.addHook('preSerialization', async (_, reply, payload: unknown) => {
    void reply.type(contentType)
    return payload
  })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser([...bodyTypes], { parseAs: 'string' }, async (_: unknown, text: string) => parseBody(text))
  server.setErrorHandler((error, request, reply) => {
    const failure = registryError(error)
    if (failure.httpStatus >= 500) log.error(`${request.method} ${request.url} failed`, { error })
    return reply.code(failure.httpStatus).type(contentType).send({ error_code: failure.code, message: failure.message })
  })
  server.setNotFoundHandler((_, reply) => reply.code(404).type(contentType).send({ error_code: 404, message: 'HTTP 404 Not Found' }))
  server.get('/', () => ({}))
  server.get('/contexts', () => ['.'])
  server.get('/v1/metadata/id', () => ({
    scope: { path: [], clusters: { 'kafka-cluster': clusterId, 'schema-registry-cluster': 'schema-registry' } },
    id: '',
  }))
  addSubjectRoutes(server, registry)
  addSchemaRoutes(server, registry)
  addSettingRoutes(server, registry)
  addCompatibilityRoutes(server, registry)
}

function parseBody(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new RegistryError(400, `The body is not JSON: ${messageOf(error)}`)
  }
}

function registryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error
  const status = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  if (status < 500) return new RegistryError(status, messageOf(error))
  return error instanceof MillraceError ? registryErrors.store(error.message) : new RegistryError(500, asMillraceError(error).message)
}
