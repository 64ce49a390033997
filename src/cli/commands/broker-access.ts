import { readFileSync, statSync } from 'node:fs'
import { errnoOf, MillraceError, parseHostPort } from '../../platform/index.ts'
import type { BrokerAccess, ListenAt, StoreAccess } from '../../runtime/index.ts'

const listenerProtocols: readonly ListenAt['protocol'][] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** Options of TLS. */
export interface AccessOptions {
  tlsCert?: string
  tlsKey?: string
  tlsKeyPassphrase?: string
  tlsClientCa?: string
}

export interface BrokerAccessOptions extends AccessOptions {
  listen?: string[]
  users?: string
}

type Warn = (text: string) => void

/** Reads what the options refer to. No message holds a secret, and none is taken from the command line itself (P8). */
export function readBrokerAccess({ listen, users, ...options }: BrokerAccessOptions, warn: Warn): BrokerAccess {
  const access: BrokerAccess = readTls(options, warn)
  if (listen) access.listen = listen.map(parseListen)
  if (users !== undefined) access.users = parseUsers('--users', referred('--users', users, warn))
  return access
}

/** The same for the table store, which has one user. */
export function readStoreAccess({ user, ...options }: AccessOptions & { user?: string }, warn: Warn): StoreAccess {
  const tls = readTls(options, warn)
  if (user === undefined) return tls
  const [only, ...others] = parseUsers('--user', referred('--user', user, warn))
  if (!only || others.length > 0) throw wrong('--user: the table store has one user, in one line user:password.')
  return { ...tls, user: only }
}

function readTls({ tlsCert, tlsKey, tlsKeyPassphrase, tlsClientCa }: AccessOptions, warn: Warn): Pick<BrokerAccess, 'tls'> {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw wrong('--tls-cert and --tls-key go together.')
  if (tlsCert === undefined && tlsClientCa !== undefined) throw wrong('--tls-client-ca needs --tls-cert and --tls-key.')
  if (tlsCert === undefined || tlsKey === undefined) return {}
  return {
    tls: {
      cert: fileText('--tls-cert', tlsCert),
      key: fileText('--tls-key', tlsKey),
      ...(tlsKeyPassphrase === undefined ? {} : { passphrase: referred('--tls-key-passphrase', tlsKeyPassphrase, warn).trimEnd() }),
      ...(tlsClientCa === undefined ? {} : { clientCa: fileText('--tls-client-ca', tlsClientCa) }),
    },
  }
}

/** `sasl_ssl://0.0.0.0:9093`: Kafka's form. */
function parseListen(text: string): ListenAt {
  const [, name = '', address = ''] = /^([a-z_]+):\/\/([^/]+)$/i.exec(text) ?? []
  const protocol = listenerProtocols.find((each) => each === name.toUpperCase())
  if (!protocol) throw wrong(`--listen ${text}: write protocol://host:port, the protocol one of ${listenerProtocols.join(', ')}.`)
  return { protocol, ...parseHostPort(address, 9092) }
}

/** `file:path` or `env:NAME`. */
function referred(option: string, reference: string, warn: (text: string) => void): string {
  const [, from = '', name = ''] = /^(file|env):(.+)$/s.exec(reference) ?? []
  if (from === 'file') {
    if ((statOf(option, name).mode & 0o007) !== 0) warn(`${option}: every user of this machine may read ${name}: run chmod 600 on it.`)
    return fileText(option, name)
  }
  if (from === '') throw wrong(`${option}: write file:path or env:NAME; a secret itself does not belong on a command line.`)
  const value = process.env[name]
  if (value === undefined || value === '') throw wrong(`${option}: the environment variable ${name} is not set.`)
  return value
}

/** One `user:password` a line; the password is all that follows the first colon. */
function parseUsers(option: string, text: string): { username: string; password: string }[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  return lines.map((line, i) => {
    const at = line.indexOf(':')
    if (at < 1 || at === line.length - 1) throw wrong(`${option}: line ${i + 1} is not user:password.`)
    return { username: line.slice(0, at), password: line.slice(at + 1) }
  })
}

function statOf(option: string, path: string): { mode: number } {
  try {
    return statSync(path)
  } catch (error) {
    throw unreadable(option, path, error)
  }
}

function fileText(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw unreadable(option, path, error)
  }
}

const unreadable = (option: string, path: string, error: unknown): MillraceError =>
  wrong(`${option}: ${path} cannot be read (${errnoOf(error) ?? 'unknown reason'}).`)

const wrong = (text: string): MillraceError => new MillraceError('BAD_REQUEST', text)
