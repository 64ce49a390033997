import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { messageOf } from '../../src/platform/index.ts'
import { startScheduler, type SchedulerHandle } from '../../src/scheduler/index.ts'
import { dagDef, ok, projectOf, taskDef } from '../../src/scheduler/scheduler-rig.ts'
import { engines, type PostgresEngine } from '../../tools/engines/index.ts'
import { eventually } from '../harness/millrace.ts'
import { describeOn } from './available.ts'

describeOn(['postgres15'], 'access to the metadata store on PostgreSQL', () => {
  let postgres: PostgresEngine
  let dir: string

  beforeAll(async () => {
    postgres = await engines.postgres15()
    dir = mkdtempSync(join(tmpdir(), 'millrace-access-'))
  }, 600_000)
  afterAll(async () => {
    await postgres[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  const query = async (...statements: string[]): Promise<pg.QueryResultRow[]> => {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      const results: pg.QueryResultRow[] = []
      for (const text of statements) results.push(...(await client.query<pg.QueryResultRow>(text)).rows)
      return results
    } finally {
      await client.end()
    }
  }
  const urlWith = (change: (url: URL) => void): string => {
    const url = new URL(postgres.url)
    change(url)
    return url.href
  }
  const start = (metadataUrl: string, project = 'users'): Promise<SchedulerHandle> =>
    startScheduler({
      metadataUrl,
      metadataPath: '',
      project,
      logsDir: dir,
      startAttempt: () => ({ end: Promise.resolve(ok), cancel: () => {} }),
    })

  test('a wrong password, database or right is an error at once, which says what to do and no password', async () => {
    await query(`create role weak login password 'w34k-s3cret'`, `revoke create on database postgres from public`)
    const refusals = [
      {
        url: urlWith((url) => (url.password = 'wr0ng-s3cret')),
        code: 'AUTHENTICATION_FAILED',
        says: /check user and password in MILLRACE_METADATA_URL/,
      },
      { url: urlWith((url) => (url.password = '')), code: 'AUTHENTICATION_FAILED', says: /asks for a password/ },
      {
        url: urlWith((url) => (url.pathname = '/nothere')),
        code: 'NOT_FOUND',
        says: /no database "nothere": make it \(createdb nothere\)/,
      },
      {
        url: urlWith((url) => Object.assign(url, { username: 'weak', password: 'w34k-s3cret' })),
        code: 'CONFIG_INVALID',
        says: /CREATE SCHEMA "millrace_users" AUTHORIZATION "weak"/,
      },
      { url: urlWith((url) => url.searchParams.set('sslmode', 'require')), code: 'CONFIG_INVALID', says: /does not speak TLS/ },
    ]
    for (const { url, code, says } of refusals) {
      const error = await start(url).catch((failure: unknown) => failure)
      expect(error).toMatchObject({ code })
      expect(messageOf(error)).toMatch(says)
      expect(JSON.stringify(error)).not.toMatch(/s3cret/)
      expect(JSON.stringify(error)).not.toContain(postgres.secrets.password)
    }
  })

  test('a role without the right to make schemas works in one that was made for it', async () => {
    await query('create schema millrace_ops authorization weak')
    await using scheduler = await start(
      urlWith((url) => Object.assign(url, { username: 'weak', password: 'w34k-s3cret' })),
      'ops',
    )
    expect(scheduler.address).toMatch(/^postgres:\/\/weak@127\.0\.0\.1:\d+\/postgres \(schema millrace_ops\)$/)
    await scheduler.register(projectOf(dagDef([taskDef('a')])))
  })

  test('two projects in one database see nothing of each other, and one schema takes one project only', async () => {
    await using first = await start(postgres.url, 'a-b')
    await using second = await start(postgres.url, 'a_b')
    await first.register(projectOf(dagDef([taskDef('a')])))
    await first.trigger('jobs', { runId: 'run' })
    await eventually(
      () => first.run('jobs', 'run'),
      (run) => run?.state === 'success',
    )
    expect([(await first.runs()).length, (await second.runs()).length, (await second.dags()).length]).toEqual([1, 0, 0])
    await expect(
      start(
        urlWith((url) => url.searchParams.set('schema', 'millrace_a-b')),
        'other',
      ),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('project "a-b", not of "other"') })
  })

  test('ten that start at once on an empty database make its tables once', async () => {
    const handles = await Promise.all(Array.from({ length: 10 }, () => start(postgres.url, 'crowd')))
    expect(new Set(handles.map((handle) => handle.epoch)).size).toBe(10)
    await Promise.all(handles.map((handle) => handle.close()))
  })

  describe('with TLS', () => {
    let ca: string

    beforeAll(async () => {
      const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
      })
      ca = join(dir, 'ca.pem')
      writeFileSync(ca, cert)
      const files = { ssl_cert_file: join(postgres.dir, 'server.crt'), ssl_key_file: join(postgres.dir, 'server.key') }
      writeFileSync(files.ssl_cert_file, cert)
      writeFileSync(files.ssl_key_file, key, { mode: 0o600 })
      // Root runs the server as another user, whose files these must be.
      spawnSync('chown', ['--reference', join(postgres.dir, 'data'), files.ssl_cert_file, files.ssl_key_file])
      await query(
        `alter system set ssl_cert_file = '${files.ssl_cert_file}'`,
        `alter system set ssl_key_file = '${files.ssl_key_file}'`,
        'alter system set ssl = on',
        'select pg_reload_conf()',
      )
      await eventually(
        () => query('show ssl'),
        ([row]) => row?.ssl === 'on',
      )
    })

    const withMode = (mode: string | null, rootCert: string | null, host: string): string =>
      urlWith((url) => {
        url.hostname = host
        url.searchParams.set('schema', 'tls')
        if (mode !== null) url.searchParams.set('sslmode', mode)
        if (rootCert !== null) url.searchParams.set('sslrootcert', rootCert)
      })
    const encrypted = async (): Promise<boolean> =>
      (await query(`select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'millrace users'`)).every(
        (row) => row.ssl === true,
      )

    test.each([
      { mode: null, root: false, host: '127.0.0.1', isEncrypted: true },
      { mode: 'disable', root: false, host: '127.0.0.1', isEncrypted: false },
      { mode: 'require', root: false, host: '127.0.0.1', isEncrypted: true },
      { mode: 'verify-ca', root: true, host: '127.0.0.1', isEncrypted: true },
      { mode: 'verify-full', root: true, host: 'localhost', isEncrypted: true },
    ])('sslmode=$mode on $host is encrypted: $isEncrypted', async ({ mode, root, host, isEncrypted }) => {
      await using scheduler = await start(withMode(mode, root ? ca : null, host))
      expect(await scheduler.runs()).toEqual([])
      expect(await encrypted()).toBe(isEncrypted)
    })

    test.each([
      { mode: 'verify-full', root: false, host: 'localhost', why: 'an authority that nobody knows' },
      { mode: 'verify-full', root: true, host: '127.0.0.1', why: 'another name' },
    ])('sslmode=$mode on $host refuses $why', async ({ mode, root, host }) => {
      await expect(start(withMode(mode, root ? ca : null, host))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    })
  })
})
