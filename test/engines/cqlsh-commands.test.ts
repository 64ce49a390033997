import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCqlStoreThread } from '../../src/cql-store/index.ts'
import { engines } from '../../tools/engines/index.ts'
import { judgedBy, toolTitle } from '../harness/judges.ts'
import { findTool, runTool } from '../harness/tools.ts'
import { titlesOf, enginesAvailable } from './available.ts'

const cqlsh = findTool('cqlsh', 'MILLRACE_CQLSH')

interface Server extends AsyncDisposable {
  /** `host:port` */
  readonly address: string
}

async function ours(): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-cqlsh-'))
  // On a thread: these tests wait for cqlsh without letting their own go on.
  const store = await startCqlStoreThread({ dataDir, host: '127.0.0.1', port: 0, flush: 'os' })
  return {
    address: store.address,
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

async function theirs(): Promise<Server> {
  const cassandra = await engines.cassandra5()
  return { address: cassandra.contactPoint, [Symbol.asyncDispose]: async () => cassandra[Symbol.asyncDispose]() }
}

const schema = `CREATE KEYSPACE cq WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
USE cq;
CREATE TABLE users (id int PRIMARY KEY, name text, tags set<text>, seen timestamp);
CREATE TABLE events (a int, b text, c int, d text, s text static, PRIMARY KEY (a, b, c)) WITH CLUSTERING ORDER BY (b DESC, c ASC) AND comment = 'it''s';
INSERT INTO users (id, name, tags, seen) VALUES (1, 'Ada, "x"', {'a','b'}, '2024-02-29T12:00:00Z');
INSERT INTO users (id, name) VALUES (2, 'Grace');
`

const servers = [
  { of: 'the table store', names: [], start: ours },
  { of: 'Cassandra 5', names: ['cassandra5'], start: theirs },
]

for (const { of, names, start } of servers) {
  const judges = names.length === 0 ? [toolTitle('cqlsh', cqlsh, '--version')] : titlesOf(names)
  const isLeftOut = cqlsh === null || !enginesAvailable(names)
  describe(`cqlsh's own commands on ${of}`, { skip: isLeftOut, ...judgedBy(...judges) }, () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-cqlsh-files-'))
    let server: Server

    /** What cqlsh says to these lines, in keyspace `cq`. */
    function say(...lines: string[]): string {
      const script = join(dir, 'script.cql')
      writeFileSync(script, `${lines.join('\n')}\n`)
      const [host = '', port = ''] = server.address.split(':')
      const { stdout, stderr } = runTool(cqlsh ?? '', [host, port, '--request-timeout=30', '-f', script])
      return `${stdout}${stderr}`.replaceAll(/^WARNING: cqlsh was built.*\n/gm, '').replaceAll(join(dir, 'script.cql'), 'script.cql')
    }

    beforeAll(async () => {
      server = await start()
      expect(say(schema)).toBe('')
    }, 600_000)
    afterAll(async () => {
      await server[Symbol.asyncDispose]()
      rmSync(dir, { recursive: true, force: true })
    })

    test('DESCRIBE lists keyspaces and tables, and gives statements that make the same again', { timeout: 240_000 }, () => {
      expect(say('DESCRIBE KEYSPACES')).toMatch(/\bcq\b[^]*\bsystem\b/)
      expect(say('USE cq;', 'DESC TABLES')).toMatch(/^\s*events\s+users\s*$/)
      const table = say('USE cq;', 'DESCRIBE TABLE events')
      expect(table).toContain(
        'CREATE TABLE cq.events (\n    a int,\n    b text,\n    c int,\n    s text static,\n    d text,\n    PRIMARY KEY (a, b, c)\n)',
      )
      expect(table).toContain("WITH CLUSTERING ORDER BY (b DESC, c ASC)\n    AND additional_write_policy = '99p'")
      expect(table).toContain("AND comment = 'it''s'")
      expect(say('DESCRIBE cq.events')).toBe(table)
      const keyspace = say('DESCRIBE KEYSPACE cq')
      const only = say('DESCRIBE ONLY KEYSPACE cq')
      expect(only.trim()).toBe(
        "CREATE KEYSPACE cq WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}  AND durable_writes = true;",
      )
      expect(keyspace).toContain(only.trim())
      expect(keyspace).toContain('CREATE TABLE cq.users (')
      expect(say('DESCRIBE SCHEMA')).toContain(table.trim())
      expect(say('DESCRIBE TABLE system.local')).toContain('CREATE TABLE system.local (\n    key text PRIMARY KEY')
      expect(say('DESCRIBE CLUSTER')).toMatch(/Cluster: \w+\nPartitioner: Murmur3Partitioner\nSnitch: \w+/)
      // What it gives makes the same again.
      expect(say(keyspace.replaceAll('cq', 'again'))).toBe('')
      expect(say('DESCRIBE KEYSPACE again').replaceAll('again', 'cq')).toBe(keyspace)
    })

    test.each([
      ['DESCRIBE TABLE cq.nope', "Table 'nope' not found in keyspace 'cq'"],
      ['DESCRIBE KEYSPACE nope', "'nope' not found in keyspaces"],
      ['DESCRIBE nope.users', "'nope' not found in keyspaces"],
      ['DESCRIBE cq.nope', "'nope' not found in keyspace 'cq'"],
      ['DESCRIBE INDEX cq.nope', "Table for existing index 'nope' not found in 'cq'"],
      ['DESCRIBE TYPE cq.nope', "User defined type 'nope' not found in 'cq'"],
      ['DESCRIBE FUNCTION cq.nope', "User defined function 'nope' not found in 'cq'"],
      ['DESCRIBE AGGREGATE cq.nope', "User defined aggregate 'nope' not found in 'cq'"],
      ['DESCRIBE MATERIALIZED VIEW cq.nope', "Materialized view 'nope' not found in 'cq'"],
    ])('%s says what is not there', { timeout: 240_000 }, (command, told) => {
      expect(say(command)).toContain(told)
    })

    test('COPY takes rows out into a file and in again, by ranges of tokens', { timeout: 240_000 }, () => {
      const file = join(dir, 'users.csv')
      const columns = '(id, name, tags, seen)'
      const select = 'SELECT * FROM cq.users WHERE id IN (1, 2);'
      const before = say(select)
      expect(say(`COPY cq.users ${columns} TO '${file}' WITH HEADER = true;`)).toContain('2 rows exported to 1 files')
      const [header, ...rows] = readFileSync(file, 'utf8').trim().split(/\r?\n/)
      expect(header).toBe('id,name,tags,seen')
      expect(rows.toSorted()).toEqual([String.raw`1,"Ada, \"x\"","{'a', 'b'}",2024-02-29 12:00:00.000+0000`, '2,Grace,,'])
      expect(say('TRUNCATE cq.users;', 'SELECT count(*) FROM cq.users;')).toContain('     0')
      expect(say(`COPY cq.users ${columns} FROM '${file}' WITH HEADER = true;`)).toContain('2 rows imported from 1 files')
      expect(say(select)).toBe(before)
    })

    test('COPY takes thousands of rows in by many processes', { timeout: 240_000 }, () => {
      const file = join(dir, 'many.csv')
      writeFileSync(file, Array.from({ length: 5_000 }, (_, i) => `${i},b${i % 7},${i},d`).join('\n'))
      expect(say(`COPY cq.events (a, b, c, d) FROM '${file}' WITH NUMPROCESSES = 2;`)).toContain('5000 rows imported')
      expect(say(`COPY cq.events (a, c) TO '${file}' WITH PAGESIZE = 100;`)).toContain('5000 rows exported')
      expect(new Set(readFileSync(file, 'utf8').trim().split(/\r?\n/)).size).toBe(5_000)
    })

    test('CONSISTENCY, SERIAL CONSISTENCY, PAGING and EXPAND hold for what follows', { timeout: 240_000 }, () => {
      const said = say(
        'CONSISTENCY QUORUM',
        'SERIAL CONSISTENCY LOCAL_SERIAL',
        'PAGING 1',
        'EXPAND ON',
        'SELECT id, name FROM cq.users WHERE id = 2;',
        "UPDATE cq.users SET name = 'Grace H.' WHERE id = 2 IF name = 'Grace';",
        'PAGING OFF',
        'CONSISTENCY',
      )
      expect(said).toContain('Consistency level set to QUORUM.')
      expect(said).toContain('Serial consistency level set to LOCAL_SERIAL.')
      expect(said).toMatch(/@ Row 1\n-+\+-+\n id +\| 2\n name \| Grace\n/)
      expect(said).toMatch(/\[applied\] \| True/)
      expect(said).toContain('Current consistency level is QUORUM.')
      expect(say('CONSISTENCY THREE', 'SELECT * FROM cq.users WHERE id = 2;')).toContain('Cannot achieve consistency level')
    })

    test('TRACING shows what a request did', { timeout: 240_000 }, () => {
      const said = say('TRACING ON', 'SELECT name FROM cq.users WHERE id = 1;', 'TRACING OFF')
      expect(said).toContain('Tracing session: ')
      expect(said).toMatch(/Execute CQL3 query \|[^]*Parsing SELECT name FROM cq.users WHERE id = 1;[^]*Request complete \|/)
    })

    test('SOURCE runs a file, CAPTURE writes into one, SHOW tells of the server, errors name their place', { timeout: 240_000 }, () => {
      const [source, captured] = [join(dir, 'source.cql'), join(dir, 'captured.txt')]
      writeFileSync(source, 'SELECT tags FROM cq.users WHERE id = 1;\n')
      expect(say(`SOURCE '${source}'`)).toContain("{'a', 'b'}")
      say(`CAPTURE '${captured}'`, 'SELECT id FROM cq.users WHERE id = 1;', 'CAPTURE OFF')
      expect(readFileSync(captured, 'utf8')).toMatch(/ id\n-+\n +1\n/)
      expect(say('SHOW VERSION')).toMatch(/\[cqlsh [\d.]+ \| Cassandra 5\.0\.\d+ \| CQL spec 3\.4\.7 \| Native protocol v[45]\]/)
      expect(say('SHOW HOST')).toMatch(/^Connected to \w+ at /i)
      expect(say('SELECT nope FROM cq.users;')).toContain(
        'code=2200 [Invalid query] message="Undefined column name nope in table cq.users"',
      )
      expect(say('SELEC 1;')).toContain("SyntaxException: line 1:0 no viable alternative at input 'SELEC'")
    })
  })
}

describe('LOGIN of cqlsh', { skip: cqlsh === null, ...judgedBy(toolTitle('cqlsh', cqlsh, '--version')) }, () => {
  test('signs in as the user that the table store has, and as nobody else', { timeout: 240_000 }, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-cqlsh-login-'))
    const credentials = { username: 'ada', password: 'of-this-test' }
    const store = await startCqlStoreThread({ dataDir, host: '127.0.0.1', port: 0, flush: 'os', credentials })
    try {
      const login = (user: string, password: string, statements: string): string => {
        const where = ['127.0.0.1', String(store.port), '-u', user, '-p', password]
        const { stdout, stderr } = runTool(cqlsh ?? '', [...where, '-e', statements])
        return `${stdout}${stderr}`
      }
      expect(login('ada', 'of-this-test', "LOGIN ada 'of-this-test'; SELECT key FROM system.local;")).toContain('local')
      expect(login('ada', 'of-this-test', "LOGIN ada 'wrong';")).toContain('Provided username ada and/or password are incorrect')
      expect(login('ada', 'wrong', 'SELECT key FROM system.local;')).toContain('Provided username ada and/or password are incorrect')
      expect(login('cassandra', 'cassandra', 'SELECT key FROM system.local;')).toContain('password are incorrect')
    } finally {
      await store.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})
