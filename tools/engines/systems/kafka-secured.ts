import { join } from 'node:path'
import { certificatesOf } from '../certificate-files.ts'
import { jvm, properties } from '../jvm.ts'
import type { Command, Place, Process, System } from '../system.ts'
import { apiVersions, bootstrapServers, kafka4, log4j2, oneNode, READY_WITHIN_MS } from './kafka.ts'

/** May do everything, as may whoever comes by the port without a password. */
export const kafkaAdmin = 'admin'
/** May read, write and describe topics and groups whose names begin with `limitedPrefix`, and create nothing. */
export const limitedUser = 'limited'
export const limitedPrefix = 'limited-'
/** A user whose password SASLprep would change. */
export const oddUser = 'odd'
export const oddPassword = ({ secrets }: Pick<Place, 'secrets'>): string => `ﬁª-Å-${secrets.oddPassword ?? ''}`

/** What tokens must say. */
export const tokenAudience = 'millrace'
export const tokenIssuer = 'millrace-tests'
/** Sessions of SCRAM-SHA-512 end after this long (KIP-368); those of tokens with their token. */
export const sessionMs = 10_000

const FORMAT_ARGUMENTS = 'format.arguments'
const tools = join(import.meta.dirname, '..')
const login = 'org.apache.kafka.common.security'

function listeners({ ports }: Place): Record<string, string> {
  const all = [
    `CLIENTS://127.0.0.1:${ports.kafka}`,
    `BROKERS://127.0.0.1:${ports.brokers}`,
    `SASL://127.0.0.1:${ports.sasl}`,
    `MTLS://127.0.0.1:${ports.mtls}`,
    `CONTROLLER://127.0.0.1:${ports.controller}`,
  ].join(',')
  return {
    listeners: all,
    'advertised.listeners': all,
    'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,BROKERS:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL',
    'inter.broker.listener.name': 'BROKERS',
  }
}

function security({ dir, secrets }: Place): Record<string, string | number> {
  const { server, ca } = certificatesOf(dir)
  const plain = [kafkaAdmin, limitedUser].map((user) => `user_${user}="${secrets[`${user}Password`] ?? ''}"`).join(' ')
  return {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:ANONYMOUS;User:${kafkaAdmin}`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': server,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    'listener.name.mtls.ssl.client.auth': 'required',
    'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+).*$/$1/,DEFAULT',
    'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required ${plain};`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
    'listener.name.sasl.scram-sha-512.connections.max.reauth.ms': sessionMs,
    'listener.name.sasl.oauthbearer.sasl.jaas.config': `${login}.oauthbearer.OAuthBearerLoginModule required;`,
    'listener.name.sasl.oauthbearer.sasl.server.callback.handler.class': `${login}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    'sasl.oauthbearer.jwks.endpoint.url': keysUrl(dir),
    'sasl.oauthbearer.expected.audience': tokenAudience,
    'sasl.oauthbearer.expected.issuer': tokenIssuer,
  }
}

const keysUrl = (dir: string): string => `file://${join(dir, 'jwks.json')}`

/** The key that tokens are signed with (RFC 7517, HS256). */
const jwks = ({ secrets }: Place): string =>
  JSON.stringify({ keys: [{ kty: 'oct', kid: 'tests', alg: 'HS256', k: Buffer.from(secrets.tokenKey ?? '').toString('base64url') }] })

/** Formats the storage, with the users of SCRAM in it. */
function formatting(place: Place): Command {
  const { dir, secrets } = place
  const users = [
    [kafkaAdmin, secrets.adminPassword ?? ''],
    [limitedUser, secrets.limitedPassword ?? ''],
    [oddUser, oddPassword(place)],
  ].flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},iterations=4096,password=${password}]`,
    ]),
  )
  return jvm(place, {
    mainClass: 'kafka.tools.StorageTool',
    args: ['format', '--standalone', '-t', 'bWlsbHJhY2UtZW5naW5lcw', '-c', join(dir, 'kafka.properties'), ...users],
  })
}

/** Certificates, then the storage. Arguments come from a file: those of a process can be seen by everyone on the machine (P8). */
function prepare({ dir }: Place): Command {
  return {
    file: '/bin/sh',
    args: [
      '-c',
      '"$1" "$2" "$3" && exec java "@$4"',
      'prepare',
      process.execPath,
      join(tools, 'certificate-files.ts'),
      dir,
      join(dir, FORMAT_ARGUMENTS),
    ],
    // A JVM reads its arguments in the encoding of its locale.
    env: { LC_ALL: 'C.UTF-8' },
  }
}

const broker: Process = {
  name: 'kafka',
  files: (place) => ({
    'log4j2.properties': log4j2,
    'jwks.json': jwks(place),
    [FORMAT_ARGUMENTS]: formatting(place)
      .args.map((argument) => `"${argument}"\n`)
      .join(''),
    'kafka.properties': properties({
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.bootstrap.servers': `127.0.0.1:${place.ports.controller}`,
      'controller.listener.names': 'CONTROLLER',
      ...listeners(place),
      ...security(place),
      'log.dirs': join(place.dir, 'data'),
      ...oneNode,
    }),
  }),
  prepare,
  setUp: ({ ports }) => ({ file: process.execPath, args: [join(tools, 'kafka-rights.ts'), `127.0.0.1:${ports.kafka}`] }),
  command: (place) =>
    jvm(place, {
      mainClass: 'kafka.Kafka',
      args: [join(place.dir, 'kafka.properties')],
      jvmArgs: [
        `-Dlog4j2.configurationFile=${join(place.dir, 'log4j2.properties')}`,
        `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${keysUrl(place.dir)}`,
      ],
    }),
  ready: { port: 'kafka', request: apiVersions, says: /Kafka Server started/, withinMs: READY_WITHIN_MS },
  stopSignal: 'SIGTERM',
}

/** One node with every way of authenticating, rights, and a port without any of it for the administrator. */
export const kafka4Secured: System = {
  ...kafka4,
  name: 'kafka4Secured',
  title: 'Kafka 4.4.0 (KRaft), secured',
  secrets: ['adminPassword', 'limitedPassword', 'oddPassword', 'tokenKey'],
  ports: ['kafka', 'brokers', 'sasl', 'mtls', 'controller'],
  processes: [broker],
  address: bootstrapServers,
  memoryMb: 420,
}
