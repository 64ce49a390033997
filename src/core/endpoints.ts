import type { FunctionRef, ValueFormat } from './definitions.ts'

/** Where the systems are: ours or someone's cluster, nobody below `runtime` knows. Secrets travel in it; never log it (P8). */
export interface Endpoints {
  kafka: KafkaEndpoint
  cassandra: CassandraEndpoint
  /** Null: there is none, and then no topic is written as Avro. */
  registry: RegistryEndpoint | null
  randomUser: RandomUserEndpoint
  /** The config's folder: what paths of sources are relative to. Left out: the process's own. */
  projectDir?: string
}

export interface KafkaEndpoint {
  bootstrapServers: string[]
  tls?: TlsEndpoint
  sasl?: SaslEndpoint
  /** Without it: topics are made with the cluster's own defaults. */
  topics?: TopicPolicy
}

export interface RegistryEndpoint {
  /** Without user, password and a slash at its end. */
  url: string
  credentials?: { username: string; password: string }
  /** For `https`; without it the system's authorities are trusted. */
  tls?: TlsEndpoint
}

/** What holds for every topic that Millrace makes or finds, its internal ones included. */
export interface TopicPolicy {
  /** `never`: topics are used as they are; a missing one is an error that tells how to make it. */
  create: 'auto' | 'never'
  /** −1: the cluster's own default. */
  replicationFactor: number
  minInsyncReplicas: number | null
  /** As many replicas as there can be, whatever is asked for: 1 on one node. */
  mostReplicas?: number
  /** Configs of the project's own topics, unless they say otherwise; internal ones have theirs. */
  configs: Readonly<Record<string, string>>
  /** How values of new topics are written that do not say it themselves. Left out: Avro where there is a registry, else JSON. */
  format?: ValueFormat
}

/** Certificates and keys as PEM texts; an empty one encrypts and trusts the system's authorities. */
export interface TlsEndpoint {
  ca?: string
  cert?: string
  key?: string
  passphrase?: string
  serverName?: string
  verifyHostname?: boolean
}

export type SaslEndpoint =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: string; password: string }
  | { mechanism: 'OAUTHBEARER'; token: TokenSource; extensions: Record<string, string> }

/** Where OAUTHBEARER tokens come from: the author's function (run in children only), a file read anew each time, or one text. */
export type TokenSource = { from: 'function'; fn: FunctionRef } | { from: 'file'; path: string } | { from: 'text'; text: string }

export interface CassandraEndpoint {
  /** Empty with a secure bundle, which names them. */
  contactPoints: string[]
  localDataCenter: string
  /** Of writes, and of reads where `readConsistency` is left out. */
  consistency: Consistency
  readConsistency?: Consistency
  credentials?: { username: string; password: string }
  tls?: TlsEndpoint
  /** Path of an Astra-style secure connect bundle. */
  secureBundle?: string
}

export type Consistency = 'ONE' | 'LOCAL_ONE' | 'QUORUM' | 'LOCAL_QUORUM' | 'ALL'

/** Which RandomUser server is in use, why, and the seed made once per project. */
export interface RandomUserEndpoint {
  url: string
  is: 'live' | 'local'
  why: string
  seed: string
}
