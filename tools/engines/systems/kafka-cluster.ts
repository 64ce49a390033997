import { join } from 'node:path'
import { jvm, properties } from '../jvm.ts'
import type { Place, Process, System } from '../system.ts'
import { apiVersions, kafka4, log4j2, READY_WITHIN_MS } from './kafka.ts'

export const clusterSize = 3
/** Name of a broker's process, from 0; its node id is one more. */
export const clusterBroker = (index: number): string => `broker${index + 1}`
export const brokerAddress = ({ ports }: Pick<Place, 'ports'>, index: number): string => `127.0.0.1:${ports[`kafka${index + 1}`]}`

const CONTROLLER_ID = 100
const indexes = Array.from({ length: clusterSize }, (_, index) => index)

const replicated = {
  'default.replication.factor': clusterSize,
  'offsets.topic.replication.factor': clusterSize,
  'offsets.topic.num.partitions': 6,
  'transaction.state.log.replication.factor': clusterSize,
  'transaction.state.log.min.isr': 2,
  'share.coordinator.state.topic.replication.factor': clusterSize,
  'group.initial.rebalance.delay.ms': 0,
}

/** A killed broker is taken for dead after this long, and its partitions get other leaders. */
const sessions = { 'broker.session.timeout.ms': 6_000, 'broker.heartbeat.interval.ms': 1_000 }

function node(name: string, settings: (place: Place) => Record<string, string | number>, formatArgs: readonly string[]) {
  const config = ({ dir }: Place): string => join(dir, name, 'kafka.properties')
  return {
    name,
    files: (place: Place) => ({
      [`${name}/log4j2.properties`]: log4j2,
      [`${name}/kafka.properties`]: properties({
        'controller.quorum.bootstrap.servers': `127.0.0.1:${place.ports.controller}`,
        'controller.listener.names': 'CONTROLLER',
        'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,BROKERS:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'log.dirs': join(place.dir, name, 'data'),
        ...settings(place),
        ...replicated,
        ...sessions,
      }),
    }),
    prepare: (place: Place) =>
      jvm(place, {
        mainClass: 'kafka.tools.StorageTool',
        args: ['format', '-t', 'bWlsbHJhY2UtZW5naW5lcw', '-c', config(place), ...formatArgs],
        heapMb: { from: 64, to: 256 },
      }),
    command: (place: Place) =>
      jvm(place, {
        mainClass: 'kafka.Kafka',
        args: [config(place)],
        heapMb: { from: 128, to: 320 },
        jvmArgs: [`-Dlog4j2.configurationFile=${join(place.dir, name, 'log4j2.properties')}`],
      }),
    stopSignal: 'SIGTERM' as const,
  }
}

const controller: Process = {
  ...node(
    'controller',
    ({ ports }) => ({ 'process.roles': 'controller', 'node.id': CONTROLLER_ID, listeners: `CONTROLLER://127.0.0.1:${ports.controller}` }),
    ['--standalone'],
  ),
  ready: { port: 'controller', request: apiVersions, says: /Kafka Server started/, withinMs: READY_WITHIN_MS },
}

function broker(index: number): Process {
  const name = clusterBroker(index)
  const number = index + 1
  const settings = (place: Place): Record<string, string | number> => {
    const listeners = `CLIENTS://${brokerAddress(place, index)},BROKERS://127.0.0.1:${place.ports[`brokers${number}`]}`
    return {
      'process.roles': 'broker',
      'node.id': number,
      listeners,
      'advertised.listeners': listeners,
      'inter.broker.listener.name': 'BROKERS',
    }
  }
  return {
    ...node(name, settings, ['--no-initial-controllers']),
    ready: { port: `kafka${number}`, request: apiVersions, says: /Kafka Server started/, withinMs: READY_WITHIN_MS },
  }
}

/** Three brokers and a controller of its own, which stays when brokers are killed. Everything is kept three times. */
export const kafka4Cluster: System = {
  ...kafka4,
  name: 'kafka4Cluster',
  title: 'Kafka 4.4.0 (KRaft), three brokers',
  ports: ['controller', ...indexes.flatMap((index) => [`kafka${index + 1}`, `brokers${index + 1}`])],
  processes: [controller, ...indexes.map(broker)],
  address: (place) => ({
    setting: 'MILLRACE_KAFKA_BOOTSTRAP_SERVERS',
    value: indexes.map((index) => brokerAddress(place, index)).join(','),
  }),
  memoryMb: 1_050,
}
