import { cpSync, existsSync, fsyncSync, closeSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Listener } from '../broker/index.ts'
import { isLoopback, messageOf, MillraceError, type ServerTlsOptions } from '../platform/index.ts'

export interface ListenAt {
  /** Kafka's names. */
  protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  host: string
  /** 0: any free one. */
  port: number
}

interface User {
  readonly username: string
  readonly password: string
}

/** Who may reach a broker that is served alone, and how. */
export interface BrokerAccess {
  /** For listeners with TLS; with `clientCa` they want a certificate of every client. */
  tls?: ServerTlsOptions
  /** For listeners with SASL; without, one user is generated. */
  users?: readonly User[]
  /** Without: one, by what else is given. */
  listen?: readonly ListenAt[]
}

/**
 * The broker's listeners. One that is not spelled out speaks TLS where there is a certificate, and asks for SASL where there are users or
 * anybody could reach it (P8), unless clients show certificates. `generate` gives the user of a folder that has none.
 */
export function brokerListeners(
  { tls, users, listen }: BrokerAccess,
  where: { host: string; port: number; advertisedHost: string },
  generate: () => User,
): Listener[] {
  const wantsUsers = users !== undefined || (!isLoopback(where.host) && tls?.clientCa === undefined)
  const derived: ListenAt['protocol'] = tls ? (wantsUsers ? 'SASL_SSL' : 'SSL') : wantsUsers ? 'SASL_PLAINTEXT' : 'PLAINTEXT'
  const wanted = listen ?? [{ protocol: derived, host: where.host, port: where.port }]
  return wanted.map(({ protocol, host, port }) => {
    if (protocol.endsWith('SSL') && !tls)
      throw new MillraceError('CONFIG_INVALID', `${protocol} on ${host}:${port} needs a certificate: give --tls-cert and --tls-key.`)
    return {
      host,
      port,
      advertisedHost: listen && !isEverywhere(host) ? host : where.advertisedHost,
      ...(protocol.endsWith('SSL') && tls ? { tls } : {}),
      ...(protocol.startsWith('SASL') ? { credentials: users ?? [generate()] } : {}),
    }
  })
}

const isEverywhere = (host: string): boolean => host === '0.0.0.0' || host === '::'

/**
 * Copies the data folder of a Kafka that was stopped to where a new broker's will be; Kafka's own stays as it is. The broker takes the
 * copy over when it starts. @throws MillraceError NOT_FOUND, ALREADY_EXISTS, DISK_FAILED
 */
export function importKafkaFolder(from: string, kafkaDir: string): void {
  if (!existsSync(join(from, 'meta.properties')))
    throw new MillraceError('NOT_FOUND', `${from} is no data folder of Kafka (log.dirs): there is no meta.properties in it.`)
  if (existsSync(kafkaDir))
    throw new MillraceError('ALREADY_EXISTS', `${kafkaDir} is there already: import into a new data folder, given by --data-dir.`)
  const partial = `${kafkaDir}.importing`
  try {
    rmSync(partial, { recursive: true, force: true })
    cpSync(from, partial, { recursive: true, filter: (path) => basename(path) !== '.lock' })
    // P1: the recovery points in it say that all of it lies on the disk.
    for (const entry of readdirSync(partial, { recursive: true, encoding: 'utf8' })) sync(join(partial, entry))
    renameSync(partial, kafkaDir)
    sync(join(kafkaDir, '..'))
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    throw new MillraceError('DISK_FAILED', `${from} could not be copied to ${kafkaDir}: ${messageOf(error)}`, { cause: error })
  }
}

function sync(path: string): void {
  const fd = openSync(path, statSync(path).isDirectory() ? 'r' : 'r+')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
