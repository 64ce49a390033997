import { join } from 'node:path'
import { certificatesOf } from '../certificate-files.ts'
import type { Place, Process, System } from '../system.ts'
import { aloneArgs, cassandraArtifacts, cassandraNode } from './cassandra-node.ts'

/** The superuser that Cassandra makes, with a password of this start; and a role that may do nothing until it is granted. */
export const superuser = 'cassandra'
export const limitedRole = 'limited'

const tools = join(import.meta.dirname, '..')

/** Rights that are granted or revoked count at once. */
const cacheMs = '50ms'

function settings(requireClientCertificate: boolean): (place: Place) => Readonly<Record<string, unknown>> {
  return ({ dir }) => ({
    authenticator: 'PasswordAuthenticator',
    authorizer: 'CassandraAuthorizer',
    role_manager: 'CassandraRoleManager',
    roles_validity: cacheMs,
    permissions_validity: cacheMs,
    credentials_validity: cacheMs,
    client_encryption_options: {
      enabled: true,
      optional: false,
      require_client_auth: requireClientCertificate,
      ssl_context_factory: { class_name: 'org.apache.cassandra.security.PEMBasedSslContextFactory' },
      keystore: certificatesOf(dir).server,
      truststore: certificatesOf(dir).ca,
    },
  })
}

/**
 * One node with users, rights and TLS. Its certificates, its client's and the authority's are made for each start, in its folder.
 * @param requireClientCertificate mTLS: without a certificate of that authority nobody is let in
 */
export function cassandraSecured({ requireClientCertificate }: { readonly requireClientCertificate: boolean }): System {
  const node: Process = {
    ...cassandraNode({
      name: 'cassandra',
      host: '127.0.0.1',
      commitLogSync: 'batch',
      settings: settings(requireClientCertificate),
      // Cassandra waits 10 s for other nodes before it makes its superuser.
      jvmArgs: [...aloneArgs, '-Dcassandra.superuser_setup_delay_ms=0'],
      speaksTls: true,
    }),
    prepare: ({ dir }) => ({ file: process.execPath, args: [join(tools, 'certificate-files.ts'), dir] }),
    setUp: ({ dir, ports, secrets }) => ({
      file: process.execPath,
      args: [join(tools, 'cassandra-roles.ts'), dir, String(ports.cql)],
      env: { MILLRACE_SUPERUSER_PASSWORD: secrets.superuserPassword ?? '', MILLRACE_LIMITED_PASSWORD: secrets.limitedPassword ?? '' },
    }),
  }
  return {
    name: 'cassandra5Secured',
    title: 'Cassandra 5.0.9, secured',
    artifacts: cassandraArtifacts,
    java: 17,
    secrets: ['superuserPassword', 'limitedPassword'],
    ports: ['cql', 'storage'],
    processes: [node],
    address: ({ ports }) => ({ setting: 'MILLRACE_CASSANDRA_CONTACT_POINTS', value: `127.0.0.1:${ports.cql}` }),
    settings: ({ dir, secrets }) => {
      const files = certificatesOf(dir)
      return {
        MILLRACE_CASSANDRA_USERNAME: superuser,
        MILLRACE_CASSANDRA_PASSWORD: secrets.superuserPassword ?? '',
        MILLRACE_CASSANDRA_TLS_CA_FILE: files.ca,
        MILLRACE_CASSANDRA_TLS_CERT_FILE: files.clientCert,
        MILLRACE_CASSANDRA_TLS_KEY_FILE: files.clientKey,
      }
    },
    memoryMb: 600,
  }
}

export const cassandra5Secured = cassandraSecured({ requireClientCertificate: true })
