import type { Consistency } from './task-messages.ts'

/** `millrace.config.ts`, as its author writes it. Environment variables override it; both are described in the README. */
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
  kafka?: {
    /** Port of the embedded broker, 0 for any free one. Default 9092. */
    port?: number
    /** A real cluster instead of the embedded broker. */
    bootstrapServers?: readonly string[]
  }
  cassandra?: {
    /** Port of the embedded table store, 0 for any free one. Default 9042. */
    port?: number
    /** A real cluster instead of the embedded table store, `host` or `host:port`. */
    contactPoints?: readonly string[]
    localDataCenter?: string
    /** Writes and reads. Default LOCAL_QUORUM on a cluster, ONE embedded. */
    consistency?: Consistency
    /** Replication of keyspaces that `autoCreate` makes, e.g. `{ class: 'NetworkTopologyStrategy', datacenter1: 3 }`. */
    replication?: Readonly<Record<string, string | number>>
  }
  metadata?: {
    /** PostgreSQL that keeps runs, tasks and settings, `postgres://user@host:5432/database`. Default: SQLite in the data folder. */
    url?: string
  }
  randomUser?: {
    /** `auto` asks the live service once at start and falls back to the local stand-in. Default `auto`. */
    mode?: 'auto' | 'live' | 'local'
    /** Another server that answers as randomuser.me does. */
    url?: string
  }
}
