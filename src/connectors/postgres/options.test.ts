import { expect, test } from 'vitest'
import { failureOf } from './errors.ts'
import { postgresQuerySpec, resolvePostgresQuery } from './options.ts'
import { postgresTarget } from './target.ts'

const world = { source: 'orders', password: null, folder: '/' }
const given = { url: 'postgres://me@localhost/shop', query: 'SELECT * FROM orders', cursor: 'id' }

test.each<[object, string]>([
  [{}, 'url is required'],
  [{ ...given, url: 'mysql://me@localhost/shop' }, 'url must be postgres://user@host:5432/database'],
  [{ ...given, url: 'postgres://me:pw@localhost/shop' }, 'url holds a password: give the whole URL as secret.env'],
  [{ ...given, password: 'pw' }, 'password must be secret.env'],
  [{ ...given, cursor: [] }, 'cursor must be a list of names with at least one'],
  [{ ...given, cursor: undefined }, 'cursor is required'],
  [{ ...given, cursor: ['a', 'b'], from: 1 }, 'from has 1 values, and cursor 2 columns: give one for each'],
  [{ ...given, query: 'SELECT * FROM orders WHERE id > $1' }, 'from is required where the query uses $1'],
  [{ ...given, from: true }, 'from must be text or a number, or a list of them'],
  [{ ...given, batch: 0 }, 'batch must be a whole number from 1 to 100000'],
])('options that cannot be are named, without what is secret: %j', (options, problem) => {
  expect(() => resolvePostgresQuery('orders', options)).toThrow(problem)
})

test('the source as data', () => {
  const url = { secret: 'env', name: 'SHOP_URL' } as const
  expect(postgresQuerySpec({ ...given, name: 'orders', url, from: 7 })).toEqual({
    connector: 'postgres_query',
    name: 'orders',
    options: { ...given, url, from: 7 },
  })
  expect(resolvePostgresQuery('orders', { ...given, query: 'SELECT 1; ', from: 7 })).toMatchObject({
    query: 'SELECT 1',
    from: ['7'],
    cursor: ['id'],
  })
})

test('a certificate is asked for and checked, except on this machine', () => {
  expect(postgresTarget('postgres://me:p%40w@db.example:5433/shop', world)).toEqual({
    host: 'db.example',
    port: 5433,
    user: 'me',
    password: 'p@w',
    database: 'shop',
    tls: {},
  })
  expect(postgresTarget('postgres://me@127.0.0.1', { ...world, password: 'pw' })).toMatchObject({
    password: 'pw',
    database: 'me',
    tls: false,
  })
  expect(postgresTarget('postgres://me@db.example?sslmode=require', world).tls).toEqual({ rejectUnauthorized: false })
})

test.each([
  ['postgres://localhost/shop', 'url names no user'],
  ['postgres://me:geheim@localhost/shop?sslmode=sometimes', 'url has an sslmode that is none of'],
  ['postgres://me:geheim@localhost/shop?application_name=x', 'url has a parameter "application_name"'],
  ['postgres://me:geheim@localhost/shop?sslrootcert=/nowhere.pem', 'a file that cannot be read (ENOENT)'],
])('P8: a URL that is none is told without its password', (url, problem) => {
  let told = ''
  try {
    postgresTarget(url, world)
  } catch (error) {
    told = String(error)
  }
  expect(told).toContain(problem)
  expect(told).not.toContain('geheim')
})

const answer = (code: string) => Object.assign(new Error('says the server'), { severity: 'ERROR', code })

test.each([
  [answer('57014'), true],
  [answer('57P01'), true],
  [answer('40001'), true],
  [answer('53300'), true],
  [answer('42P01'), false],
  [answer('28P01'), false],
  [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), true],
  [new Error('Connection terminated unexpectedly'), true],
  [new Error('The server does not support SSL connections'), false],
  [Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), false],
  [new TypeError('undefined is no function'), false],
])('what passes is told from what somebody has to mend: %s', (error, passes) => {
  expect(failureOf(error).passes).toBe(passes)
})
