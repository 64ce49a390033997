import { Releasers } from '../platform/index.ts'
import { startRegistry, type RegistryInterception } from '../registry/index.ts'
import { Failures, fateOf, kitClientId, type ConnectionFailure, type Times } from './failures.ts'
import { startKafka } from './start-kafka.ts'

export interface StartSchemaRegistryOptions {
  /** Where its schemas lie, in the topic `_schemas`. Default: a Kafka of its own. */
  kafka?: { readonly bootstrapServers: string }
}

/** An HTTP status, with the contract's body: `errorCode` (default: the status) and `message`. */
export interface RegistryFailureAnswer {
  status: number
  errorCode?: number
  message?: string
}

/** What is to become of the next request of a kind. `path`: of the next whose path has this in it. */
export type RegistryFailure = Times & { path?: string | RegExp } & (RegistryFailureAnswer | ConnectionFailure)

/** A schema registry of its own for one test, with Confluent's REST contract. */
export interface TestSchemaRegistry extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** The Kafka that its schemas lie in. */
  readonly kafka: { readonly bootstrapServers: string }
  /** The next request with that method meets this failure in place of its answer. */
  failNext(method: 'GET' | 'POST' | 'PUT' | 'DELETE', failure: RegistryFailure): void
  /** Failures that have not come yet. */
  readonly failuresLeft: number
  /** Forgets them. */
  clearFailures(): void
  close(): Promise<void>
}

/** Starts a schema registry in this process, on a free port of 127.0.0.1. */
export async function startSchemaRegistry(options: StartSchemaRegistryOptions = {}): Promise<TestSchemaRegistry> {
  const failures = new Failures<{ method: string; path: string }, RegistryFailureAnswer>()
  const releasers = new Releasers()
  try {
    const kafka = options.kafka ?? (await ownKafka(releasers))
    const registry = await startRegistry({
      host: '127.0.0.1',
      port: 0,
      kafka: { bootstrapServers: [kafka.bootstrapServers], clientId: kitClientId },
      intercept: (request) => asInterception(failures.take(request)),
    })
    releasers.add('registry', () => registry.close())
    let closing: Promise<void> | null = null
    const close = (): Promise<void> => (closing ??= releasers.close())
    return {
      url: registry.address,
      kafka: { bootstrapServers: kafka.bootstrapServers },
      failNext: (method, { times, path, ...failure }) => {
        const fate = fateOf(failure, (answer: RegistryFailureAnswer) => answer)
        failures.add((request) => request.method === method && hasPath(request.path, path), fate, times)
      },
      get failuresLeft() {
        return failures.count
      },
      clearFailures: () => failures.clear(),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await releasers.close()
    throw error
  }
}

async function ownKafka(releasers: Releasers): Promise<{ bootstrapServers: string }> {
  const kafka = await startKafka()
  releasers.add('kafka', () => kafka.close())
  return kafka
}

function asInterception(fate: ReturnType<Failures<never, RegistryFailureAnswer>['take']>): RegistryInterception | null {
  return fate?.is === 'error' ? { is: 'error', ...fate.error } : fate
}

function hasPath(path: string, wanted: string | RegExp | undefined): boolean {
  if (wanted === undefined) return true
  return typeof wanted === 'string' ? path.includes(wanted) : wanted.test(path)
}
