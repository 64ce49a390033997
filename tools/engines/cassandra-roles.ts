/**
 * `node tools/engines/cassandra-roles.ts <folder> <port>`: ends the superuser's default password (P8) and makes the role `limited`. The
 * passwords come by MILLRACE_SUPERUSER_PASSWORD and MILLRACE_LIMITED_PASSWORD.
 */
import { readFileSync } from 'node:fs'
import { connectCassandra, type CassandraSession } from '../../src/cql-client/index.ts'
import { MillraceError, systemClock } from '../../src/platform/index.ts'
import { certificatesOf } from './certificate-files.ts'
import { limitedRole, superuser } from './systems/cassandra-secured.ts'

const SETUP_WITHIN_MS = 40_000

async function connect(dir: string, port: string): Promise<CassandraSession> {
  const { ca, clientCert, clientKey } = certificatesOf(dir)
  const [caText, cert, key] = [ca, clientCert, clientKey].map((path) => readFileSync(path, 'utf8'))
  const deadlineMs = systemClock.monotonicMs() + SETUP_WITHIN_MS
  for (;;) {
    try {
      return await connectCassandra({
        contactPoints: [`127.0.0.1:${port}`],
        localDataCenter: 'datacenter1',
        credentials: { username: superuser, password: 'cassandra' },
        tls: { ...(caText ? { ca: caText } : {}), ...(cert && key ? { cert, key } : {}) },
      })
    } catch (error) {
      // Its superuser is made a moment after it says that it is up.
      const mayCome = error instanceof MillraceError && (error.retriable || error.code === 'AUTHENTICATION_FAILED')
      if (!mayCome || systemClock.monotonicMs() > deadlineMs) throw error
      await systemClock.sleep(200)
    }
  }
}

async function setUp(dir: string, port: string): Promise<void> {
  await using session = await connect(dir, port)
  await session.query(`CREATE ROLE ${limitedRole} WITH LOGIN = true AND PASSWORD = '${process.env.MILLRACE_LIMITED_PASSWORD}'`)
  await session.query(`ALTER ROLE ${superuser} WITH PASSWORD = '${process.env.MILLRACE_SUPERUSER_PASSWORD}'`)
}

const [dir = '', port = ''] = process.argv.slice(2)
await setUp(dir, port)
