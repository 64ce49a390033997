import { engines, type Engine } from '../../tools/engines/index.ts'
import { releasePorts, takePorts } from '../../tools/engines/ports.ts'
import { Releasers } from '../../src/platform/index.ts'
import { startMillrace, type Started } from '../harness/millrace.ts'
import { createProject } from '../harness/project.ts'
import { startProxy, type Proxy } from '../harness/proxy.ts'

/** A server that can be taken away. */
export interface Server {
  readonly title: string
  /** In order. */
  stop(): Promise<void>
  /** `kill -9`. */
  kill(): Promise<void>
  /** On the same ports and data; resolves once it answers. */
  start(): Promise<void>
}

/** Kafka and a table store behind a proxy each. */
export interface System extends AsyncDisposable {
  readonly name: SystemName
  readonly title: string
  readonly kafka: { readonly proxy: Proxy; readonly port: number; readonly bootstrapServer: string; readonly server: Server }
  /** `server` is null where it is Kafka's. */
  readonly cassandra: { readonly proxy: Proxy; readonly contactPoint: string; readonly server: Server | null }
  /** Settings of a Millrace that uses it through the proxies. */
  readonly env: Readonly<Record<string, string>>
}

export const systemNames = ['embedded', 'kafka4', 'kafka3'] as const
export type SystemName = (typeof systemNames)[number]

export function startSystem(name: SystemName): Promise<System> {
  return name === 'embedded' ? startEmbedded() : startReal(name)
}

const local = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port })

async function startReal(name: 'kafka4' | 'kafka3'): Promise<System> {
  const releasers = new Releasers()
  const proxies = await takePorts(['kafka'])
  releasers.add('ports', () => releasePorts(proxies))
  try {
    const kafka = await engines[name]({ advertised: proxies })
    releasers.add('Kafka', async () => kafka[Symbol.asyncDispose]())
    const cassandra = await engines.cassandra5()
    releasers.add('Cassandra', async () => cassandra[Symbol.asyncDispose]())
    const kafkaProxy = await startProxy({ target: local(kafka.ports.kafka ?? 0), port: proxies.kafka ?? 0 })
    releasers.add('proxy', () => kafkaProxy.close())
    const cassandraProxy = await startProxy({ target: local(cassandra.ports.cql ?? 0) })
    releasers.add('proxy', () => cassandraProxy.close())
    return {
      name,
      title: `${kafka.title}, ${cassandra.title}`,
      kafka: {
        proxy: kafkaProxy,
        port: kafka.ports.kafka ?? 0,
        bootstrapServer: `127.0.0.1:${kafka.ports.brokers}`,
        server: asServer(kafka),
      },
      cassandra: { proxy: cassandraProxy, contactPoint: cassandra.contactPoint, server: asServer(cassandra) },
      env: { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafkaProxy.address, MILLRACE_CASSANDRA_CONTACT_POINTS: cassandraProxy.address },
      [Symbol.asyncDispose]: () => releasers.close(),
    }
  } catch (error) {
    await releasers.close()
    throw error
  }
}

function asServer(engine: Engine): Server {
  return { title: engine.title, stop: () => engine.stop(), kill: () => engine.kill(), start: () => engine.restart() }
}

/** Our own broker and table store, in a Millrace of their own that tells clients another address of loopback: the proxies' one. */
async function startEmbedded(): Promise<System> {
  const releasers = new Releasers()
  const ports = await takePorts(['kafka', 'cql'])
  const { kafka = 0, cql = 0 } = ports
  releasers.add('ports', () => releasePorts(ports))
  const advertised = '127.0.0.2'
  const kafkaProxy = await startProxy({ target: local(kafka), host: advertised, port: kafka })
  releasers.add('proxy', () => kafkaProxy.close())
  const cassandraProxy = await startProxy({ target: local(cql), host: advertised, port: cql })
  releasers.add('proxy', () => cassandraProxy.close())
  const project = createProject()
  releasers.add('project', () => project.remove())
  const env = { MILLRACE_KAFKA_PORT: String(kafka), MILLRACE_CQL_PORT: String(cql), MILLRACE_ADVERTISED_HOST: advertised }
  let host: Started | null = null
  const start = async (): Promise<void> => {
    host = startMillrace(project, { env, args: [] })
    await host.until(/^streams /m, 60_000)
  }
  releasers.add('embedded parts', () => host?.[Symbol.asyncDispose]())
  await start()
  const server: Server = {
    title: 'embedded',
    stop: async () => void (await host?.stop()),
    kill: async () => host?.killTree(),
    start,
  }
  return {
    name: 'embedded',
    title: 'embedded',
    kafka: { proxy: kafkaProxy, port: kafka, bootstrapServer: kafkaProxy.address, server },
    cassandra: { proxy: cassandraProxy, contactPoint: cassandraProxy.address, server: null },
    env: { MILLRACE_KAFKA_BOOTSTRAP_SERVERS: kafkaProxy.address, MILLRACE_CASSANDRA_CONTACT_POINTS: cassandraProxy.address },
    [Symbol.asyncDispose]: () => releasers.close(),
  }
}
