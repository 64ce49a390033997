import pg from 'pg'
import { postgresQuery, schema, secret, topic } from '../../src/authoring/index.ts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  openSource,
  postgresQuerySpec,
  rereadableSourceConformance,
  type PolledSource,
  type PostgresQueryOptions,
} from '../../src/connectors/index.ts'
import type { Json } from '../../src/core/index.ts'
import { systemClock, type Clock } from '../../src/platform/index.ts'
import { startKafka } from '../../src/testing/index.ts'
import { engines, type PostgresEngine } from '../../tools/engines/index.ts'
import { runFlow } from '../harness/run-flow.ts'
import { describeOn } from './available.ts'

const url = { secret: 'env', name: 'SHOP_URL' } as const

describeOn(['postgres15'], 'postgresQuery on PostgreSQL', () => {
  let postgres: PostgresEngine
  let sql: pg.Pool
  beforeAll(async () => {
    postgres = await engines.postgres15()
    sql = new pg.Pool({ connectionString: postgres.url, max: 2 })
    sql.on('error', () => undefined)
  }, 600_000)
  afterAll(async () => {
    await sql.end()
    await postgres[Symbol.asyncDispose]()
  })

  type Some = Partial<PostgresQueryOptions> & Pick<PostgresQueryOptions, 'query'> & { clock?: Clock }

  const open = ({ clock = systemClock, ...options }: Some, log: string[] = []): Promise<PolledSource> =>
    openSource(
      { source: postgresQuerySpec({ name: 'rows', url, cursor: 'id', ...options }), sourceFunctions: {} },
      { kafka: { bootstrapServers: [] }, registry: null, randomUser: { url: '', is: 'local', why: '', seed: '' } },
      { clock, random: () => 0, fetch: globalThis.fetch, env: { SHOP_URL: postgres.url } },
      { log: (line) => log.push(line), connectKafka: () => Promise.reject(new Error('no Kafka is read here')) },
    )

  /** One run; whatever it gave before it failed is committed. */
  const run = async (options: Some, cursor: Json = null, onPage = (): Promise<unknown> => Promise.resolve()) => {
    const log: string[] = []
    const pages: Record<string, unknown>[][] = []
    let last = cursor
    let error: unknown = null
    try {
      const source = await open(options, log)
      for await (const page of source.read(cursor, new AbortController().signal)) {
        pages.push(page.records)
        last = page.cursor
        await onPage()
      }
    } catch (thrown) {
      error = thrown
    }
    return { pages, ids: pages.flat().map((record) => record['id']), cursor: last, log, error }
  }

  test('pages follow one another by the cursor, and the next run goes on behind the last row', async () => {
    await sql.query('CREATE TABLE orders AS SELECT id, id % 3 AS shop FROM generate_series(1, 25) AS id')
    const first = await run({ query: 'SELECT * FROM orders', batch: 10 })
    expect([first.pages.map((page) => page.length), first.error]).toEqual([[10, 10, 5], null])
    expect(first.cursor).toEqual({ after: ['25'] })
    expect((await run({ query: 'SELECT * FROM orders' }, first.cursor)).pages).toEqual([])
    await sql.query('INSERT INTO orders VALUES (26, 1)')
    expect((await run({ query: 'SELECT * FROM orders' }, first.cursor)).ids).toEqual([26])
    const byShop = await run({ query: 'SELECT * FROM orders WHERE id <= 9', cursor: ['shop', 'id'], batch: 4 })
    expect(byShop.ids).toEqual([3, 6, 9, 1, 4, 7, 2, 5, 8])
    expect((await run({ query: 'SELECT * FROM orders', from: 20 })).ids).toEqual([21, 22, 23, 24, 25, 26])
  })

  test('a query can use the last values itself', async () => {
    await sql.query('CREATE TABLE events AS SELECT id FROM generate_series(1, 10) AS id')
    const options = { query: 'SELECT id FROM events WHERE id > $1 -- an index is used', from: 0, batch: 4 }
    expect((await run(options)).pages.map((page) => page.map((row) => row['id']))).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
    ])
  })

  test('rows of one value are never parted; where they would have to be, that is told', async () => {
    await sql.query(
      "CREATE TABLE ticks (id int, at timestamptz); INSERT INTO ticks SELECT id, timestamptz '2026-01-01' + (id / 3) * interval '1 microsecond' FROM generate_series(1, 9) AS id",
    )
    const byTime = await run({ query: 'SELECT * FROM ticks', cursor: 'at', batch: 4 })
    expect(byTime.pages.map((page) => page.length)).toEqual([2, 3, 4])
    expect(new Set(byTime.ids).size).toBe(9)
    const tooSmall = await run({ query: 'SELECT * FROM ticks', cursor: 'at', batch: 2 })
    expect(tooSmall.error).toMatchObject({ code: 'SOURCE_FAILED', retriable: false })
    expect(String(tooSmall.error)).toContain('more than 2 rows have the same at (2026-01-01 00:00:00.000001+00)')
  })

  test('values lose nothing, whatever the server is set to', async () => {
    await sql.query(
      "ALTER ROLE CURRENT_USER SET datestyle = 'German, DMY'; ALTER ROLE CURRENT_USER SET timezone = 'Asia/Kolkata'; ALTER ROLE CURRENT_USER SET bytea_output = 'escape'; ALTER ROLE CURRENT_USER SET extra_float_digits = 0",
    )
    const { pages, cursor, error } = await run({
      query: `SELECT 9223372036854775807 AS id, 1234567890.123456789012345678901234567890 AS amount, timestamptz '2026-01-02 03:04:05.678901+05:30' AS at,
        timestamp '2026-01-02 03:04:05.1' AS local, date '2026-01-02' AS day, '\\x00ff'::bytea AS raw, 0.1::float8 + 0.2::float8 AS sum, 'NaN'::numeric AS nan,
        '{"a": 12345678901234567890, "b": [1.5, null]}'::jsonb AS json, true AS yes, NULL::text AS none, 'a1b2c3d4-0000-4000-8000-000000000000'::uuid AS uuid,
        ARRAY['a,b', NULL, '"'] AS texts, ARRAY[1, 9223372036854775807] AS numbers, ARRAY[timestamptz '2026-01-02 00:00:00+00'] AS times`,
      cursor: ['at', 'id'],
    })
    await sql.query('ALTER ROLE CURRENT_USER RESET ALL')
    expect(error).toBeNull()
    expect(pages).toEqual([
      [
        {
          id: '9223372036854775807',
          amount: '1234567890.123456789012345678901234567890',
          at: '2026-01-01T21:34:05.678901Z',
          local: '2026-01-02T03:04:05.1',
          day: '2026-01-02',
          raw: 'AP8=',
          sum: 0.30000000000000004,
          nan: 'NaN',
          json: { a: '12345678901234567890', b: [1.5, null] },
          yes: true,
          none: null,
          uuid: 'a1b2c3d4-0000-4000-8000-000000000000',
          texts: ['a,b', null, '"'],
          numbers: [1, '9223372036854775807'],
          times: ['2026-01-02T00:00:00Z'],
        },
      ],
    ])
    expect(cursor).toEqual({ after: ['2026-01-01 21:34:05.678901+00', '9223372036854775807'] })
  })

  test('what is wrong for good is told at once, what passes is tried again', async () => {
    const missing = await run({ query: 'SELECT * FROM nowhere' })
    expect(missing.error).toMatchObject({ code: 'SOURCE_FAILED', retriable: false })
    expect(String(missing.error)).toContain('failed for good: relation "nowhere" does not exist (SQLSTATE 42P01)')
    await sql.query('CREATE TABLE kept (id int)')
    await sql.query("CREATE FUNCTION add() RETURNS int LANGUAGE sql AS 'INSERT INTO kept VALUES (1) RETURNING id'")
    expect(String((await run({ query: 'SELECT add() AS id' })).error)).toContain('cannot execute INSERT in a read-only transaction')
    const slow = await run({ query: 'SELECT 1 AS id FROM pg_sleep(60)', timeout: '200ms', retries: 1, backoff: '10ms' })
    expect(slow.error).toMatchObject({ code: 'SOURCE_FAILED', retriable: true })
    expect(slow.log).toEqual([
      expect.stringMatching(/^the query: canceling statement due to statement timeout \(SQLSTATE 57014\); retry 1 of 1 in 0\.0 s$/),
    ])
  })

  test('connections that are cut, and a server that is killed, cost no row', async () => {
    await sql.query('CREATE TABLE steady AS SELECT id FROM generate_series(1, 12) AS id')
    const cut = await run({ query: 'SELECT * FROM steady', batch: 4, backoff: '10ms' }, null, () =>
      sql.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millrace rows'"),
    )
    expect([cut.ids, cut.error]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], null])
    expect(cut.log.length).toBeGreaterThan(0)
    let isKilled = false
    const killed = await run({ query: 'SELECT * FROM steady', batch: 4, retries: 100, backoff: '50ms' }, null, async () => {
      if (isKilled) return
      isKilled = true
      await postgres.kill()
      await postgres.restart()
    })
    expect([killed.ids, killed.error]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], null])
  })

  test('it follows what is written, for as long as it is told to', async () => {
    await sql.query('CREATE TABLE followed AS SELECT 1 AS id')
    let next = 1
    // Each sleep between two queries is when something is written.
    const clock: Clock = {
      ...systemClock,
      sleep: async () => void (await sql.query('INSERT INTO followed VALUES ($1)', [++next])),
      monotonicMs: () => next * 1000,
    }
    const { ids } = await run({ query: 'SELECT * FROM followed', for: '4s', clock })
    expect(ids).toEqual([1, 2, 3, 4])
    let seconds = 0
    const ticking: Clock = { ...systemClock, monotonicMs: () => seconds * 1000 }
    const endless = await run(
      { query: 'SELECT id FROM generate_series(1, 100) AS id', batch: 1, for: '3s', clock: ticking },
      null,
      async () => seconds++,
    )
    expect(endless.ids).toEqual([1, 2, 3])
  })

  test('a stop ends a query that is being answered', async () => {
    const stop = new AbortController()
    const sleeping = await open({ query: 'SELECT 1 AS id FROM pg_sleep(100)' })
    const pages = sleeping.read(null, stop.signal)[Symbol.asyncIterator]()
    const asked = pages.next()
    const isAsked = async () =>
      (await sql.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100)%' AND pid <> pg_backend_pid()")).rowCount
    await expect.poll(isAsked).toBe(1)
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('a password that is wrong, and a cursor of another query, are told', async () => {
    const wrong = new URL(postgres.url)
    wrong.password = 'wrong'
    const source = await openSource(
      { source: postgresQuerySpec({ name: 'rows', url, query: 'SELECT 1 AS id', cursor: 'id' }), sourceFunctions: {} },
      { kafka: { bootstrapServers: [] }, registry: null, randomUser: { url: '', is: 'local', why: '', seed: '' } },
      { clock: systemClock, random: () => 0, fetch: globalThis.fetch, env: { SHOP_URL: wrong.href } },
      { log: () => {}, connectKafka: () => Promise.reject(new Error('no Kafka is read here')) },
    )
    const pages = source.read(null, new AbortController().signal)[Symbol.asyncIterator]()
    const failed = await pages.next().catch((error: unknown) => String(error))
    expect(failed).toMatch(/failed for good: password authentication failed .*SQLSTATE 28P01/)
    expect(failed).not.toContain('wrong@')
    expect(String((await run({ query: 'SELECT 1 AS id' }, { after: ['1', '2'] })).error)).toContain('does not fit what it reads now')
  })

  test('the example of docs/sources.md', async () => {
    await sql.query(
      "CREATE SCHEMA shop; CREATE TABLE shop.orders AS SELECT id, id * 1.5 AS total, now() - interval '1 hour' AS changed_at FROM generate_series(1, 7) AS id",
    )
    await sql.query("ALTER ROLE CURRENT_USER SET search_path = 'shop'")
    vi.stubEnv('SHOP_DATABASE_URL', postgres.url)
    await using kafka = await startKafka({ topics: [{ name: 'orders' }] })
    const orders = topic('orders', { value: schema('Order', { id: z.string(), total: z.number() }), key: 'id' })

    const readOrders = () =>
      postgresQuery<{ id: number; total: string }>({
        name: 'shop_orders',
        url: secret.env('SHOP_DATABASE_URL'),
        query: "SELECT id, total, changed_at FROM orders WHERE changed_at < now() - interval '1 second'",
        cursor: ['changed_at', 'id'],
        batch: 500,
      })
        .map(({ id, total }) => ({ id: String(id), total: Number(total) }))
        .to(orders)

    const { bootstrapServers } = kafka
    expect(await runFlow(readOrders(), { bootstrapServers })).toMatchObject({ pages: 1, produced: 7 })
    expect(await runFlow(readOrders(), { bootstrapServers })).toMatchObject({ pages: 0 })
    expect((await kafka.records('orders')).map(({ key }) => key)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
    await sql.query('ALTER ROLE CURRENT_USER RESET ALL')
    vi.unstubAllEnvs()
  })

  rereadableSourceConformance({ test, assert: { deepEqual: (actual, expected) => expect(actual).toEqual(expected) } }, async () => {
    const source = await open({ query: 'SELECT id FROM generate_series(1, 20) AS id', batch: 3 })
    return { source, keyOf: ({ id }) => String(id), [Symbol.asyncDispose]: async () => {} }
  })
})
