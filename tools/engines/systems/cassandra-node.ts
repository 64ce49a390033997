import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { jvm } from '../jvm.ts'
import type { Artifacts, Place, Process } from '../system.ts'

/** OPTIONS of CQL's protocol v4: version, flags, stream (2), opcode 5, no body. */
const options = Uint8Array.from([4, 0, 0, 0, 5, 0, 0, 0, 0])
/** A ClientHello of TLS 1.2 that offers a single cipher (RFC 5246 §7.4.1.2); whatever comes back, a server speaks TLS here. */
const clientHello = Uint8Array.from([
  22,
  3,
  1,
  0,
  45,
  1,
  0,
  0,
  41,
  3,
  3,
  ...Array.from<number>({ length: 32 }).fill(7),
  0,
  0,
  2,
  0,
  47,
  1,
  0,
])
const READY_WITHIN_MS = 120_000

export const cassandraArtifacts: readonly Artifacts[] = [{ is: 'maven', coordinates: ['org.apache.cassandra:cassandra-all:5.0.9'] }]

/**
 * When a write is acknowledged. `batch`: once it is on the disk. `periodic`, Cassandra's own default: at once, up to 10 s before that, so
 * that what was acknowledged may be gone after a crash of the machine, and some of it after `kill -9`. Suites that count what was
 * lost must know that it was not Cassandra: these systems are in `batch` mode unless told otherwise.
 */
export type CommitLogSync = 'batch' | 'periodic'

export interface CassandraNode {
  /** Of the process, and of its folder where there are several. */
  readonly name: string
  readonly host: string
  /** Folder of its data and configuration, inside that of the system; the system's own without one. */
  readonly folder?: string
  readonly commitLogSync: CommitLogSync
  /** What is added to cassandra.yaml, or said otherwise there. */
  readonly settings?: (place: Place) => Readonly<Record<string, unknown>>
  /** Its name among the system's ports; without one nothing listens for JMX. */
  readonly jmxPort?: string
  readonly jvmArgs?: readonly string[]
  /** True: its CQL port speaks TLS. */
  readonly speaksTls?: boolean
}

/** The first of a cluster is its seed. */
const SEED_HOST = '127.0.0.1'

function yaml(node: CassandraNode, place: Place): string {
  const { ports } = place
  const lines = {
    cluster_name: 'millrace',
    num_tokens: 16,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: [
      { class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds: `${SEED_HOST}:${ports.storage}` }] },
    ],
    listen_address: node.host,
    rpc_address: node.host,
    storage_port: ports.storage,
    native_transport_port: ports.cql,
    commitlog_sync: node.commitLogSync,
    ...(node.commitLogSync === 'periodic' ? { commitlog_sync_period: '10000ms' } : {}),
    commitlog_segment_size: '8MiB',
    auto_snapshot: false,
    hints_directory: join(folderOf(node, place), 'storage/hints'),
    ...node.settings?.(place),
  }
  // JSON is YAML.
  return Object.entries(lines)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('')
}

const folderOf = ({ folder }: CassandraNode, { dir }: Place): string => (folder === undefined ? dir : join(dir, folder))

const logback = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%date %level %msg \\(%logger\\)%n</pattern></encoder></appender>
  <root level="INFO"><appender-ref ref="out" /></root>
</configuration>
`

const exported = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.attach/sun.tools.attach',
]
const opened = [
  ...[
    'java.lang.module',
    'jdk.internal.loader',
    'jdk.internal.ref',
    'jdk.internal.reflect',
    'jdk.internal.math',
    'jdk.internal.module',
    'jdk.internal.util.jar',
    'sun.nio.ch',
    'java.io',
    'java.lang',
    'java.lang.reflect',
    'java.util',
  ].map((name) => `java.base/${name}`),
  'jdk.management/com.sun.management.internal',
  'jdk.compiler/com.sun.tools.javac',
]

function jvmArgs(node: CassandraNode, place: Place): string[] {
  const { artifactDir, ports } = place
  const dir = folderOf(node, place)
  const jamm = readdirSync(artifactDir).find((file) => file.startsWith('jamm-')) ?? ''
  return [
    `-javaagent:${join(artifactDir, jamm)}`,
    '-Djdk.attach.allowAttachSelf=true',
    ...exported.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
    ...opened.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
    '-Dio.netty.tryReflectionSetAccessible=true',
    '-Xss384k',
    `-Dcassandra.storagedir=${join(dir, 'storage')}`,
    `-Dcassandra.config=file://${join(dir, 'cassandra.yaml')}`,
    `-Dlogback.configurationFile=${join(dir, 'logback.xml')}`,
    '-Dcassandra-foreground=yes',
    ...(node.jmxPort === undefined ? [] : [`-Dcassandra.jmx.local.port=${ports[node.jmxPort]}`]),
    ...(node.jvmArgs ?? []),
  ]
}

/** One node has nobody to wait for. */
export const aloneArgs = ['-Dcassandra.skip_wait_for_gossip_to_settle=0', '-Dcassandra.ring_delay_ms=1']

export function cassandraNode(node: CassandraNode): Process {
  const prefix = node.folder === undefined ? '' : `${node.folder}/`
  return {
    name: node.name,
    files: (place) => ({ [`${prefix}cassandra.yaml`]: yaml(node, place), [`${prefix}logback.xml`]: logback }),
    command: (place) =>
      jvm(place, {
        mainClass: 'org.apache.cassandra.service.CassandraDaemon',
        args: [],
        classpath: [folderOf(node, place)],
        jvmArgs: jvmArgs(node, place),
      }),
    ready: {
      port: 'cql',
      host: node.host,
      request: node.speaksTls ? clientHello : options,
      says: /Startup complete/,
      withinMs: READY_WITHIN_MS,
    },
    stopSignal: 'SIGTERM',
  }
}
