import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { certificatesOf } from './certificate-files.ts'
import { startSystem, type StartOptions } from './start.ts'
import type { Engine, System } from './system.ts'
import {
  brokerAddress,
  clusterBroker,
  clusterSize,
  kafka4Cluster,
  kafka4Secured,
  kafkaAdmin,
  limitedPrefix,
  limitedUser,
  oddPassword,
  oddUser,
  tokenAudience,
  tokenIssuer,
} from './systems/index.ts'

export interface KafkaEngine extends Engine {
  /** `host:port`, as MILLRACE_KAFKA_BOOTSTRAP_SERVERS takes it. */
  readonly bootstrapServers: string
}

export interface KafkaCredentials {
  readonly username: string
  readonly password: string
}

/** Its `bootstrapServers` is the port without TLS and passwords, where everyone may do everything. Passwords are of this start only (P8). */
export interface SecuredKafkaEngine extends KafkaEngine {
  /** SASL over TLS: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 (sessions of 4 s, KIP-368), OAUTHBEARER. */
  readonly saslServers: string
  /** TLS with a client certificate; the one in `tls` is of the user `client`, who has no rights. */
  readonly mtlsServers: string
  /** May do everything. */
  readonly admin: KafkaCredentials
  /** May read, write and describe topics and groups whose names begin with `limitedPrefix`; may create none. */
  readonly limited: KafkaCredentials
  readonly limitedPrefix: string
  /** By SCRAM only; SASLprep would change its password. No rights. */
  readonly odd: KafkaCredentials
  /** PEM texts: the authority of its certificate, and a client's certificate with its key. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  /** A token (JWT, HS256) for SASL OAUTHBEARER. */
  token(claims: TokenClaims): string
}

export interface TokenClaims {
  /** Whose it is. */
  readonly username: string
  /** Default 5 minutes. */
  readonly lifetimeMs?: number
  readonly audience?: string
  readonly extra?: Readonly<Record<string, string>>
}

export interface KafkaClusterEngine extends KafkaEngine {
  /** `host:port` of each broker; the node id of one is its index + 1. */
  readonly brokers: readonly string[]
  /** `kill -9`; the others go on. */
  killBroker(index: number): Promise<void>
  /** Starts one again that was killed. */
  startBroker(index: number): Promise<void>
}

export async function startKafka(system: System, options?: StartOptions): Promise<KafkaEngine> {
  const engine = await startSystem(system, options)
  return Object.assign(engine, { bootstrapServers: engine.address.value })
}

export async function startSecuredKafka(): Promise<SecuredKafkaEngine> {
  const engine = await startKafka(kafka4Secured)
  const { dir, ports, secrets } = engine
  const { ca, clientCert, clientKey } = certificatesOf(dir)
  const read = (path: string): string => readFileSync(path, 'utf8')
  return Object.assign(engine, {
    saslServers: `127.0.0.1:${ports.sasl}`,
    mtlsServers: `127.0.0.1:${ports.mtls}`,
    admin: { username: kafkaAdmin, password: secrets.adminPassword ?? '' },
    limited: { username: limitedUser, password: secrets.limitedPassword ?? '' },
    limitedPrefix,
    odd: { username: oddUser, password: oddPassword({ secrets }) },
    tls: { ca: read(ca), cert: read(clientCert), key: read(clientKey) },
    token: (claims: TokenClaims) => signed(claims, secrets.tokenKey ?? ''),
  })
}

export async function startKafkaCluster(): Promise<KafkaClusterEngine> {
  const engine = await startKafka(kafka4Cluster)
  return Object.assign(engine, {
    brokers: Array.from({ length: clusterSize }, (_, index) => brokerAddress(engine, index)),
    killBroker: (index: number) => engine.endProcess(clusterBroker(index)),
    startBroker: (index: number) => engine.startProcess(clusterBroker(index)),
  })
}

/** RFC 7515, compact. */
function signed({ username, lifetimeMs = 300_000, audience = tokenAudience, extra = {} }: TokenClaims, key: string): string {
  const nowS = Date.now() / 1_000
  const claims = {
    ...extra,
    sub: username,
    aud: audience,
    iss: tokenIssuer,
    iat: Math.floor(nowS) - 1,
    exp: Math.floor(nowS + lifetimeMs / 1_000),
  }
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const content = `${part({ alg: 'HS256', kid: 'tests', typ: 'JWT' })}.${part(claims)}`
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
}
