import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { jvm } from '../jvm.ts'
import type { Place, Process, System } from '../system.ts'

/** OPTIONS of CQL's protocol v4: version, flags, stream (2), opcode 5, no body. */
const options = Uint8Array.from([4, 0, 0, 0, 5, 0, 0, 0, 0])
const READY_WITHIN_MS = 120_000

function yaml({ dir, ports }: Place): string {
  const lines = {
    cluster_name: 'millrace',
    num_tokens: 16,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: `[{ class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{ seeds: "127.0.0.1:${ports.storage}" }] }]`,
    listen_address: '127.0.0.1',
    rpc_address: '127.0.0.1',
    storage_port: ports.storage,
    native_transport_port: ports.cql,
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    commitlog_segment_size: '8MiB',
    auto_snapshot: false,
    hints_directory: join(dir, 'storage/hints'),
  }
  return Object.entries(lines)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')
}

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

function jvmArgs({ dir, artifactDir, ports }: Place): string[] {
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
    `-Dcassandra.jmx.local.port=${ports.jmx}`,
    // One node has nobody to wait for.
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=1',
  ]
}

const daemon: Process = {
  name: 'cassandra',
  files: (place) => ({ 'cassandra.yaml': yaml(place), 'logback.xml': logback }),
  command: (place) =>
    jvm(place, {
      mainClass: 'org.apache.cassandra.service.CassandraDaemon',
      args: [],
      classpath: [place.dir],
      jvmArgs: jvmArgs(place),
    }),
  ready: { port: 'cql', request: options, says: /Startup complete/, withinMs: READY_WITHIN_MS },
  stopSignal: 'SIGTERM',
}

export const cassandra5: System = {
  name: 'cassandra5',
  title: 'Cassandra 5.0.9',
  artifacts: [{ is: 'maven', coordinates: ['org.apache.cassandra:cassandra-all:5.0.9'] }],
  java: 17,
  ports: ['cql', 'storage', 'jmx'],
  processes: [daemon],
  address: ({ ports }) => ({ setting: 'MILLRACE_CASSANDRA_CONTACT_POINTS', value: `127.0.0.1:${ports.cql}` }),
  memoryMb: 900,
}
