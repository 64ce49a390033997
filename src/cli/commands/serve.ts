import { resolve } from 'node:path'
import type { Command } from 'commander'
import { MillraceError } from '../../platform/index.ts'
import { serve, type Served, type ServedPart } from '../../runtime/index.ts'
import type { Context } from '../context.ts'
import type { WithContext } from '../main.ts'
import { portOption } from '../options.ts'
import { readBrokerAccess, readStoreAccess, type AccessOptions, type BrokerAccessOptions } from './broker-access.ts'
import { cqlshLine } from './cqlsh-line.ts'

interface WhereOptions {
  host: string
  port: string
  dataDir: string
  advertisedHost?: string
}

/** What the broker and the table store take alike. */
function withTls(command: Command): Command {
  return command
    .option('--tls-cert <file>', 'PEM certificate: TLS is spoken')
    .option('--tls-key <file>', 'its PEM key')
    .option('--tls-key-passphrase <file:path|env:NAME>', 'of an encrypted key')
    .option('--tls-client-ca <file>', 'every client needs a certificate of this authority (mTLS)')
}

const warn = (text: string): void => void process.stderr.write(`millrace: ${text}\n`)

export function addServeCommands(program: Command, context: WithContext): void {
  const group = program.command('serve').description('one part alone, in the foreground, until SIGTERM or Ctrl-C')
  const part = (name: ServedPart['is'], description: string, port: number): Command =>
    group
      .command(name)
      .description(description)
      .option('--host <address>', 'address to listen on; beyond loopback it asks for generated credentials', '127.0.0.1')
      .option('--port <n>', 'port, 0 for any free one', String(port))
      .option('--advertised-host <name>', 'name that other machines reach this one by (default: the host)')
      .option('--data-dir <dir>', 'data folder, of this process alone', `.millrace-${name}`)
  withTls(part('broker', 'the Kafka broker', 9092))
    .option(
      '--listen <protocol://host:port>',
      'in place of --host and --port; PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; may be repeated',
      (text, before: string[] | undefined) => [...(before ?? []), text],
    )
    .option(
      '--users <file:path|env:NAME>',
      'one user:password a line, for SASL PLAIN and SCRAM (default beyond loopback: one is generated)',
    )
    .option(
      '--flush <sync|os>',
      'sync: acks=all is answered once it is on the disk; os: once the operating system has it, as Kafka does',
      'sync',
    )
    .option('--import-kafka <dir>', 'copy the data folder of a Kafka that was stopped first; that folder stays as it is')
    .action(async ({ importKafka, flush, ...options }: WhereOptions & BrokerAccessOptions & { importKafka?: string; flush: string }) => {
      if (flush !== 'sync' && flush !== 'os') throw new MillraceError('BAD_REQUEST', `--flush ${flush}: it is sync or os.`)
      const access = readBrokerAccess(options, warn)
      const imported = importKafka === undefined ? {} : { importFrom: resolve(importKafka) }
      await serveUntilStopped(context(), { is: 'broker', access, flush, ...imported }, options)
    })
  withTls(part('cql-store', 'the table store, which answers as Cassandra does', 9042))
    .option('--user <file:path|env:NAME>', 'user:password that clients sign in with (default beyond loopback: one is generated)')
    .action(async (options: WhereOptions & AccessOptions & { user?: string }) => {
      await serveUntilStopped(context(), { is: 'cql-store', access: readStoreAccess(options, warn) }, options)
    })
  part('registry', 'the schema registry, on the Kafka that --kafka or the config names', 8081).action(async (options: WhereOptions) => {
    const full = context()
    // On the embedded broker the registry of `millrace start` writes `_schemas` already.
    if (!(await full.namesKafka()))
      throw new MillraceError('BAD_REQUEST', 'The registry needs a Kafka to keep schemas in: name one with --kafka host:port.')
    await full.withKafka((kafka) => serveUntilStopped(full, { is: 'registry', kafka }, options))
  })
}

async function serveUntilStopped({ output }: Context, part: ServedPart, options: WhereOptions & AccessOptions): Promise<void> {
  const { host, dataDir } = options
  const stopped = new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop())
  })
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const advertisedHost = options.advertisedHost ?? (isEverywhere ? '127.0.0.1' : host)
  await using served = await serve(part, { host, port: portOption('--port', options.port), advertisedHost, dataDir: resolve(dataDir) })
  output.line(`${part.is} at ${served.addresses.join(', ')} · ${howToReach(part, served, advertisedHost, options)}`)
  output.data({ part: part.is, address: served.address, addresses: served.addresses, credentialsFile: served.credentialsFile })
  await Promise.race([stopped, served.failed])
}

/** A command that reaches it, or by what and with which file's credentials. */
function howToReach(part: ServedPart, { address, credentialsFile, username }: Served, name: string, tls: AccessOptions): string {
  const port = address.slice(address.lastIndexOf(':') + 1)
  if (part.is === 'cql-store') {
    const line = cqlshLine({ host: name, port, username, tls })
    return credentialsFile === null ? line : `${line}, password in ${credentialsFile}`
  }
  const reach = { broker: `kcat -b ${name}:${port} -L`, registry: `curl ${address}/subjects` }
  const signIn = { broker: 'SASL PLAIN or SCRAM', registry: 'HTTP Basic' }
  if (credentialsFile !== null) return `${name}:${port} by ${signIn[part.is]}, credentials in ${credentialsFile}`
  const isSecured = part.is === 'broker' && Object.keys(part.access ?? {}).length > 0
  return isSecured ? `${name}:${port}` : reach[part.is]
}
