import type { Duration } from './duration.ts'
import type { Consistency } from './endpoints.ts'

/** A secret by reference: resolved when Millrace starts, never written anywhere. Made by `secret.env` and `secret.file`. */
export type SecretReference = { readonly secret: 'env'; readonly name: string } | { readonly secret: 'file'; readonly path: string }

/** A reference, or the text itself (which then stands in the config file: a warning says so). */
export type SecretText = string | SecretReference

export interface TlsConfig {
  /** PEM text of the authorities that may sign the server's certificate. Default: the system's. */
  ca?: SecretText
  /** PEM texts of this client's own certificate and key (mTLS), both or neither. */
  cert?: SecretText
  key?: SecretText
  /** Of an encrypted key. */
  passphrase?: SecretText
  /** The name asked for and expected in the server's certificate. Default: the host that is connected to. */
  serverName?: string
  /** False: any certificate that the authorities signed will do, whatever its name. Default true. */
  verifyHostname?: boolean
}

/** PEM texts of what listens. */
export interface ServerTlsConfig {
  /** Its certificate, then those between it and its authority. */
  cert: SecretText
  key: SecretText
  /** Of an encrypted key. */
  passphrase?: SecretText
  /** Only clients with a certificate of one of these authorities are let in (mTLS). */
  clientCa?: SecretText
}

/** What `token` may give; `expiresAtMs` is read from the token (a JWT's `exp`) when it is left out. */
export type TokenResult = string | { value: string; expiresAtMs?: number; extensions?: Readonly<Record<string, string>> }

export type SaslConfig =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; username: SecretText; password: SecretText }
  | {
      mechanism: 'OAUTHBEARER'
      /** Called in child processes when a token is needed, and again shortly before it ends. A file is read anew each time. */
      token: (() => Promise<TokenResult>) | SecretText
      /** SASL extensions that go with every token (KIP-342), e.g. `{ logicalCluster: 'lkc-…' }`. */
      extensions?: Readonly<Record<string, string>>
    }

export interface KafkaConfig {
  /** Port of the embedded broker, 0 for any free one. Default 9092. */
  port?: number
  /** A real cluster instead of the embedded broker. */
  bootstrapServers?: readonly string[]
  /** Encrypts connections to the cluster; true: with the system's authorities. */
  tls?: boolean | TlsConfig
  /** How to sign in at the cluster. */
  sasl?: SaslConfig
  /** Replicas of topics that are made. Default: the cluster's own default. */
  replicationFactor?: number
  /** `min.insync.replicas` of topics that are made. Default: the cluster's own. */
  minInsyncReplicas?: number
  /** Configs of the project's topics that are made, unless a topic says otherwise, e.g. `{ 'retention.ms': '604800000' }`. */
  topicConfigs?: Readonly<Record<string, string>>
  /** How values of new topics are written, unless a topic says otherwise. Default: Avro where there is a schema registry, else JSON. */
  format?: 'avro' | 'json'
  /** `never`: topics are used as they are. Default `auto`: missing ones are made. */
  create?: 'auto' | 'never'
}

export interface CassandraConfig {
  /** Port of the embedded table store, 0 for any free one. Default 9042. */
  port?: number
  /** A real cluster instead of the embedded table store, `host` or `host:port`. */
  contactPoints?: readonly string[]
  /** Default `datacenter1`; a secure bundle names its own. */
  localDataCenter?: string
  /** Of writes. Default LOCAL_QUORUM on a cluster, ONE embedded. */
  consistency?: Consistency
  /** Of reads. Default: the same. */
  readConsistency?: Consistency
  credentials?: { username: SecretText; password: SecretText }
  /** Encrypts connections to the cluster; true: with the system's authorities. */
  tls?: boolean | TlsConfig
  /** Path of an Astra-style secure connect bundle, relative to the config file: it names the cluster and holds its certificates. */
  secureBundle?: string
  /** Who may use the embedded table store, and how it is spoken to. */
  embedded?: {
    /** Asked for on loopback too. Default: generated beyond loopback, none on it. */
    credentials?: { username: SecretText; password: SecretText }
    /** Speaks TLS and no other way. Millrace's own clients know it by `tls` of this section, without that by this certificate. */
    tls?: boolean | ServerTlsConfig
  }
  /** Replication of keyspaces that are made, e.g. `{ class: 'NetworkTopologyStrategy', dc1: 3 }`. Default: one copy. */
  replication?: Readonly<Record<string, string | number>>
  /** `never`: keyspaces and tables are used as they are, whatever a stream says. Default `auto`. */
  create?: 'auto' | 'never'
}

/** Rules of one stream; `false` switches a rule off. Defaults and meaning: docs/alerts.md. */
export interface StreamAlertRules {
  /** More than `records` (10,000) wait in its topic `for` (5m). */
  lag?: boolean | { records?: number; for?: Duration }
  /** More than `records` (0: any) new dead letters `within` (15m). */
  deadLetters?: boolean | { records?: number; within?: Duration }
  /** Records wait and none was committed, or a system it needs is away, `for` (60s). */
  stalled?: boolean | { for?: Duration }
  /** It stopped with an error, such as the dead-letter limit. */
  stopped?: boolean
}

export interface AlertsConfig {
  /** Where messages are posted to, as Alertmanager posts them. Default: nowhere; alerts are shown all the same. */
  webhook?: SecretText | { url: SecretText; headers?: Readonly<Record<string, SecretText>> }
  /** An alert that goes on is told again after this. Default 4h. */
  repeatEvery?: Duration
  /** How long the cause has to be gone before an alert is resolved. Default 1m. */
  resolveAfter?: Duration
  /** Of all streams, and of DAGs and parts. */
  rules?: StreamAlertRules & {
    /** The last run of a DAG failed. */
    runFailed?: boolean
    /** A part does not answer `for` (30s). */
    partFailed?: boolean | { for?: Duration }
  }
  /** By name of the stream, laid over `rules`. */
  streams?: Readonly<Record<string, StreamAlertRules>>
}

/** `millrace.config.ts`, as its author writes it. Environment variables override it; both are described in docs/configuration.md. */
export interface UserConfig {
  /** Goes into topic and consumer group names; never derived from a folder. */
  name: string
  /** Globs of pipeline files, relative to the config file. Default: every `*.pipeline.ts`. */
  pipelines?: readonly string[]
  /** Where embedded parts keep their data; relative to the config file. Default `.millrace`. */
  dataDir?: string
  /** Address embedded parts listen on. Default 127.0.0.1; another one makes them ask for the generated credentials. */
  host?: string
  /** Name other machines and containers reach this one by. Default: `host`. */
  advertisedHost?: string
  kafka?: KafkaConfig
  cassandra?: CassandraConfig
  /** Of the schema registry; the embedded one stands on the embedded broker alone. */
  registry?: {
    /** Default 8081. */
    port?: number
    /** A real one instead: `http://host:port` or `https://host`. */
    url?: string
    /** Asked for by HTTP Basic; an API key and its secret where the registry has those. */
    credentials?: { username: SecretText; password: SecretText }
    /** Authorities and certificates for `https`; the system's authorities are trusted without it. */
    tls?: boolean | TlsConfig
  }
  console?: {
    /** Default 8080, or any free one where that is taken. */
    port?: number
    /** Path below which a proxy serves it, `/millrace`. Default: the root. */
    basePath?: string
    /** Names by which browsers reach it, besides `host` and `advertisedHost`. */
    hosts?: readonly string[]
    /** Addresses or CIDRs of proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed. Default none. */
    trustedProxies?: readonly string[]
  }
  metadata?: {
    /** PostgreSQL that keeps runs, tasks and settings, `postgres://user@host:5432/database`. Default: SQLite in the data folder. */
    url?: SecretText
  }
  alerts?: AlertsConfig
  randomUser?: {
    /** `auto` asks the live service once at start and falls back to the local stand-in. Default `auto`. */
    mode?: 'auto' | 'live' | 'local'
    /** Another server that answers as randomuser.me does. */
    url?: string
  }
}
