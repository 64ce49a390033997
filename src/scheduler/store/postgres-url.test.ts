import type { PeerCertificate } from 'node:tls'
import { expect, test } from 'vitest'
import { MillraceError } from '../../platform/index.ts'
import { parsePostgresUrl } from './postgres-url.ts'

const base = 'postgres://ann:s3cr%40t@db.example:6543/meta'

test('a URL says where the store is, and its address says it without the password', () => {
  const target = parsePostgresUrl(base, 'users')
  expect(target).toMatchObject({
    host: 'db.example',
    port: 6543,
    user: 'ann',
    password: 's3cr@t',
    database: 'meta',
    schema: 'millrace_users',
  })
  expect(target.address).toBe('postgres://ann@db.example:6543/meta (schema millrace_users)')
})

test('what is left out is as in libpq: port 5432, the database of the user', () => {
  expect(parsePostgresUrl('postgresql://ann@[::1]', null)).toMatchObject({
    host: '::1',
    port: 5432,
    database: 'ann',
    password: '',
    schema: 'millrace',
  })
  expect(parsePostgresUrl('postgres://ann@localhost/meta?host=/run/postgresql', null)).toMatchObject({
    host: '/run/postgresql',
    tls: [false],
  })
})

test('each project has a schema of its own, also when its name is longer than PostgreSQL keeps', () => {
  const long = 'x'.repeat(60)
  const schemas = ['a', 'b', long, `${long.slice(0, 59)}y`].map((project) => parsePostgresUrl(base, project).schema)
  expect(new Set(schemas).size).toBe(4)
  expect(schemas.every((schema) => Buffer.byteLength(schema) <= 63)).toBe(true)
  expect(parsePostgresUrl(`${base}?schema=ops`, 'a').schema).toBe('ops')
})

test.each([
  ['disable', [false]],
  ['allow', [false, { rejectUnauthorized: false }]],
  ['prefer', [{ rejectUnauthorized: false }, false]],
  ['require', [{ rejectUnauthorized: false }]],
  ['verify-ca', [{ rejectUnauthorized: true }]],
  ['verify-full', [{ rejectUnauthorized: true }]],
])('sslmode=%s tries TLS and none as libpq does', (mode, tls) => {
  expect(parsePostgresUrl(`${base}?sslmode=${mode}`, null).tls).toMatchObject(tls)
})

test.each([
  ['sslmode=require', [{ rejectUnauthorized: true }]],
  ['sslmode=prefer', [{ rejectUnauthorized: true }, false]],
  ['sslmode=allow', [false, { rejectUnauthorized: true }]],
])('a root certificate given is checked, also with %s', (mode, tls) => {
  const rootCert = encodeURIComponent(import.meta.filename)
  expect(parsePostgresUrl(`${base}?${mode}&sslrootcert=${rootCert}`, null).tls).toMatchObject(tls)
})

test.each(['system', encodeURIComponent(import.meta.filename)])(
  'sslrootcert=%s alone checks certificate and name, never without TLS',
  (root) => {
    const { tls } = parsePostgresUrl(`${base}?sslrootcert=${root}`, null)
    expect(tls).toHaveLength(1)
    expect(tls).toMatchObject([{ rejectUnauthorized: true }])
    const [how] = tls
    const certificate = { subject: { CN: 'other.example' }, subjectaltname: 'DNS:other.example' }
    expect(how && how.checkServerIdentity?.('', certificate as PeerCertificate)).toBeInstanceOf(Error)
  },
)

test.each([
  ['mysql://ann:s3cr%40t@db/meta', /it is no postgres:/],
  ['postgres://ann:s3cr@t:x@db:port/meta', /it is no postgres:/],
  ['postgres://:s3cr%40t@db/meta', /names no user/],
  ['postgres://ann:s3cr%t@db/meta', /% itself as %25/],
  [`${base}?sslmode=maybe`, /sslmode "maybe" is not one of disable/],
  [`${base}?sslmode=require&sslrootcert=system`, /sslrootcert=system goes with sslmode=verify-full/],
  [`${base}?ssl=true`, /no parameter "ssl"/],
  [`${base}?sslrootcert=/no/such/file`, /\/no\/such\/file, which cannot be read \(ENOENT\)/],
  [`${base}?sslcert=/a`, /go together/],
  [`${base}?connect_timeout=soon`, /connect_timeout/],
])('%s is refused with the reason, without the password', (url, message) => {
  const error = errorOf(() => parsePostgresUrl(url, null))
  expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
  expect(error.message).toMatch(message)
  expect(JSON.stringify(error)).not.toMatch(/s3cr/)
})

function errorOf(action: () => unknown): MillraceError {
  try {
    action()
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
