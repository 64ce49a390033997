import { join } from 'node:path'
import { jvm, properties } from '../jvm.ts'
import type { Place, Process, System } from '../system.ts'

/** ApiVersions v0 (KIP-35): size, api key 18, version 0, correlation id 0, no client id. */
export const apiVersions = Uint8Array.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 0, 255, 255])
export const READY_WITHIN_MS = 60_000

/** A cluster of one node cannot replicate its own topics, and nobody should wait for a first rebalance. */
export const oneNode = {
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
}

export const bootstrapServers = (place: Place): { setting: string; value: string } => ({
  setting: 'MILLRACE_KAFKA_BOOTSTRAP_SERVERS',
  value: `127.0.0.1:${place.ports.kafka}`,
})

/**
 * Clients and brokers have listeners of their own: what stands before the clients' (a proxy, at the advertised port) does not stand between
 * controller and broker.
 */
const listeners = ({ ports, advertised }: Place, others: readonly string[] = []): Record<string, string> => ({
  listeners: [`CLIENTS://127.0.0.1:${ports.kafka}`, `BROKERS://127.0.0.1:${ports.brokers}`, ...others].join(','),
  'advertised.listeners': [
    `CLIENTS://127.0.0.1:${advertised.kafka ?? ports.kafka}`,
    `BROKERS://127.0.0.1:${ports.brokers}`,
    ...others,
  ].join(','),
  'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,BROKERS:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'BROKERS',
})

export const log4j2 = properties({
  'appender.out.type': 'Console',
  'appender.out.name': 'out',
  'appender.out.layout.type': 'PatternLayout',
  'appender.out.layout.pattern': '%d %p %m (%c)%n',
  'rootLogger.level': 'INFO',
  'rootLogger.appenderRef.out.ref': 'out',
})

const log4j1 = properties({
  'log4j.rootLogger': 'INFO, out',
  'log4j.appender.out': 'org.apache.log4j.ConsoleAppender',
  'log4j.appender.out.layout': 'org.apache.log4j.PatternLayout',
  'log4j.appender.out.layout.ConversionPattern': '%d %p %m (%c)%n',
})

const kraftBroker: Process = {
  name: 'kafka',
  files: (place) => ({
    'log4j2.properties': log4j2,
    'kafka.properties': properties({
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.bootstrap.servers': `127.0.0.1:${place.ports.controller}`,
      'controller.listener.names': 'CONTROLLER',
      ...listeners(place, [`CONTROLLER://127.0.0.1:${place.ports.controller}`]),
      'log.dirs': join(place.dir, 'data'),
      'share.coordinator.state.topic.replication.factor': 1,
      'share.coordinator.state.topic.min.isr': 1,
      ...oneNode,
    }),
  }),
  prepare: (place) =>
    jvm(place, {
      mainClass: 'kafka.tools.StorageTool',
      args: ['format', '--standalone', '-t', 'bWlsbHJhY2UtZW5naW5lcw', '-c', join(place.dir, 'kafka.properties')],
    }),
  command: (place) =>
    jvm(place, {
      mainClass: 'kafka.Kafka',
      args: [join(place.dir, 'kafka.properties')],
      jvmArgs: [`-Dlog4j2.configurationFile=${join(place.dir, 'log4j2.properties')}`],
    }),
  ready: { port: 'kafka', request: apiVersions, says: /Kafka Server started/, withinMs: READY_WITHIN_MS },
  stopSignal: 'SIGTERM',
}

export const kafka4: System = {
  name: 'kafka4',
  title: 'Kafka 4.4.0 (KRaft)',
  artifacts: [{ is: 'maven', coordinates: ['org.apache.kafka:kafka_2.13:4.4.0', 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.5'] }],
  java: 17,
  ports: ['kafka', 'brokers', 'controller'],
  processes: [kraftBroker],
  address: bootstrapServers,
  memoryMb: 400,
}

const zooKeeper: Process = {
  name: 'zookeeper',
  files: ({ dir, ports }) => ({
    'log4j.properties': log4j1,
    'zookeeper.properties': properties({
      dataDir: join(dir, 'zookeeper'),
      clientPort: ports.zookeeper ?? 0,
      clientPortAddress: '127.0.0.1',
      'admin.enableServer': 'false',
      maxClientCnxns: 0,
    }),
  }),
  command: (place) =>
    jvm(place, {
      mainClass: 'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      args: [join(place.dir, 'zookeeper.properties')],
      heapMb: { from: 64, to: 256 },
      jvmArgs: [`-Dlog4j.configuration=file:${join(place.dir, 'log4j.properties')}`],
    }),
  ready: { port: 'zookeeper', request: Buffer.from('srvr'), withinMs: READY_WITHIN_MS },
  stopSignal: 'SIGTERM',
}

const zooKeeperBroker: Process = {
  name: 'kafka',
  files: (place) => ({
    'kafka.properties': properties({
      'broker.id': 1,
      'zookeeper.connect': `127.0.0.1:${place.ports.zookeeper}`,
      'zookeeper.session.timeout.ms': 6_000,
      ...listeners(place),
      'log.dirs': join(place.dir, 'data'),
      ...oneNode,
    }),
  }),
  command: (place) =>
    jvm(place, {
      mainClass: 'kafka.Kafka',
      args: [join(place.dir, 'kafka.properties')],
      jvmArgs: [`-Dlog4j.configuration=file:${join(place.dir, 'log4j.properties')}`],
    }),
  // It says that it is started before its controller has told it of any broker; until then no topic can be created.
  ready: { port: 'kafka', request: apiVersions, says: /Recorded new ZK controller/, withinMs: READY_WITHIN_MS },
  // ZooKeeper keeps a killed broker's node until its session is over.
  startAgainOn: /NodeExistsException/,
  stopSignal: 'SIGTERM',
}

export const kafka3: System = {
  name: 'kafka3',
  title: 'Kafka 3.9.2 (ZooKeeper)',
  artifacts: [{ is: 'maven', coordinates: ['org.apache.kafka:kafka_2.13:3.9.2', 'org.apache.kafka:kafka-tools:3.9.2'] }],
  java: 17,
  ports: ['zookeeper', 'kafka', 'brokers'],
  processes: [zooKeeper, zooKeeperBroker],
  address: bootstrapServers,
  memoryMb: 500,
}
