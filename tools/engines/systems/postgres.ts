import { join } from 'node:path'
import type { Command, Place, Process, System } from '../system.ts'

const USER = 'millrace'
/** SSLRequest (PostgreSQL protocol 3.0, "SSL Session Encryption"): length 8, code 80877103. The answer is one byte, S or N. */
const sslRequest = Uint8Array.from([0, 0, 0, 8, 4, 210, 22, 47])
const READY_WITHIN_MS = 60_000

const dataDir = ({ dir }: Place): string => join(dir, 'data')
/** Libraries that the machine lacks lie beside the programs. */
const libraries = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

function program({ artifactDir }: Place, name: string, args: readonly string[]): Command {
  const triplet = process.arch === 'arm64' ? libraries.arm64 : libraries.x64
  const searched = [join(artifactDir, 'usr/lib', triplet), join(artifactDir, 'lib', triplet)]
  return {
    file: join(artifactDir, 'usr/lib/postgresql/15/bin', name),
    args,
    env: { LD_LIBRARY_PATH: searched.join(':'), LC_ALL: 'C', TZ: 'GMT' },
  }
}

const server: Process = {
  name: 'postgres',
  // Only read by initdb, and only its user may read it (P8).
  files: ({ secrets }) => ({ password: `${secrets.password ?? ''}\n` }),
  prepare: (place) =>
    program(place, 'initdb', [
      `--pgdata=${dataDir(place)}`,
      `--username=${USER}`,
      `--pwfile=${join(place.dir, 'password')}`,
      '--auth-host=scram-sha-256',
      '--auth-local=reject',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ]),
  command: (place) => {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: place.ports.postgres,
      // Folders of tests are often longer than the 107 bytes that a socket's path may have.
      unix_socket_directories: '',
      log_destination: 'stderr',
      logging_collector: 'off',
      jit: 'off',
    }
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    return program(place, 'postgres', ['-D', dataDir(place), ...args])
  },
  ready: { port: 'postgres', request: sslRequest, says: /database system is ready to accept connections/, withinMs: READY_WITHIN_MS },
  // Killed, it leaves sessions that take a moment to notice; until then its shared memory is in use.
  startAgainOn: /pre-existing shared memory block/,
  // "Fast shutdown": SIGTERM would wait for clients to leave (PostgreSQL, "Shutting Down the Server").
  stopSignal: 'SIGINT',
  // "Immediate shutdown": unlike a kill it gives its shared memory back to the kernel.
  discardSignal: 'SIGQUIT',
}

export const postgres15: System = {
  name: 'postgres15',
  title: 'PostgreSQL 15',
  artifacts: [{ is: 'apt', packages: ['postgresql-15'] }],
  refusesRoot: true,
  secrets: ['password'],
  ports: ['postgres'],
  processes: [server],
  address: ({ ports, secrets }) => ({
    setting: 'MILLRACE_METADATA_URL',
    value: `postgres://${USER}:${secrets.password ?? ''}@127.0.0.1:${ports.postgres}/postgres`,
  }),
  memoryMb: 40,
}
