import { join } from 'node:path'
import { jvm } from '../jvm.ts'
import type { Place, Process, Readiness, System } from '../system.ts'

const READY_WITHIN_MS = 60_000
const webUi = Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')
/** Master and worker only pass on; the executors compute. */
const heapMb = { from: 64, to: 256 }

export const sparkHome = ({ artifactDir }: Pick<Place, 'artifactDir'>): string => join(artifactDir, 'pyspark')
const masterUrl = ({ ports }: Place): string => `spark://127.0.0.1:${ports.master}`

/** Without SPARK_SCALA_VERSION a worker guesses it by folders that a release of PyPI lacks, and every executor fails. */
const env = (place: Place): Record<string, string> => ({
  SPARK_HOME: sparkHome(place),
  SPARK_SCALA_VERSION: '2.12',
  SPARK_LOCAL_IP: '127.0.0.1',
  SPARK_LOCAL_DIRS: join(place.dir, 'local'),
})

const ready = (port: string, says: RegExp): Readiness => ({ port, request: webUi, says, withinMs: READY_WITHIN_MS })

const master: Process = {
  name: 'master',
  files: () => ({}),
  command: (place) => ({
    ...jvm(place, {
      mainClass: 'org.apache.spark.deploy.master.Master',
      args: ['--host', '127.0.0.1', '--port', String(place.ports.master), '--webui-port', String(place.ports.masterUi)],
      heapMb,
      jars: join(sparkHome(place), 'jars'),
      jvmArgs: [`-Djava.io.tmpdir=${place.dir}`],
    }),
    env: env(place),
  }),
  ready: ready('masterUi', /I have been elected leader/),
  stopSignal: 'SIGTERM',
}

const worker: Process = {
  name: 'worker',
  files: () => ({}),
  command: (place) => {
    const resources = ['--cores', '2', '--memory', '1g', '--work-dir', join(place.dir, 'work')]
    const listening = ['--host', '127.0.0.1', '--webui-port', String(place.ports.workerUi)]
    return {
      ...jvm(place, {
        mainClass: 'org.apache.spark.deploy.worker.Worker',
        args: [...listening, ...resources, masterUrl(place)],
        heapMb,
        jars: join(sparkHome(place), 'jars'),
        jvmArgs: [`-Djava.io.tmpdir=${place.dir}`],
      }),
      env: env(place),
    }
  },
  ready: ready('workerUi', /Successfully registered with master/),
  stopSignal: 'SIGTERM',
}

/** Standalone, with the connectors for Kafka and Cassandra among its own jars; a job is given to `<SPARK_HOME>/bin/spark-sql` and the like. */
export const spark35: System = {
  name: 'spark35',
  title: 'Spark 3.5.7 (standalone)',
  artifacts: [
    { is: 'pip', packages: ['pyspark==3.5.7'] },
    {
      is: 'maven',
      coordinates: ['org.apache.spark:spark-sql-kafka-0-10_2.12:3.5.7', 'com.datastax.spark:spark-cassandra-connector_2.12:3.5.1'],
      excludedGroups: ['org.apache.hadoop', 'org.scala-lang', 'org.slf4j'],
      onlyAbsent: true,
      into: 'pyspark/jars',
    },
  ],
  java: 17,
  ports: ['master', 'masterUi', 'workerUi'],
  processes: [master, worker],
  address: (place) => ({ setting: 'SPARK_MASTER', value: masterUrl(place) }),
  memoryMb: 400,
}
