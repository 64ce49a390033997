import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bin } from './millrace.ts'
import { findTool } from './tools.ts'

const KEY = { up: '\u001b[A', interrupt: '\u0003', end: '\u0004' }

/** util-linux's `script` gives a program a terminal. */
const script = process.platform === 'linux' ? findTool('script', 'MILLRACE_SCRIPT') : null

/** `millrace query` on a terminal: keys go in, what it shows comes out. */
class Terminal {
  readonly #child: ChildProcess
  readonly ended: Promise<number | null>
  #shown = ''
  #wake: () => void = () => {}

  constructor(address: string, historyFile: string) {
    const command = [process.execPath, bin, '--cassandra', address, 'query'].map((word) => `'${word}'`).join(' ')
    const env = { ...process.env, TERM: 'xterm', MILLRACE_QUERY_HISTORY: historyFile }
    this.#child = spawn(script ?? '', ['-qfec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      // oxlint-disable-next-line no-control-regex
      this.#shown += chunk.toString().replaceAll(/\u001b\[[0-9;]*[A-Za-z]|\r/g, '')
      this.#wake()
    })
    this.ended = new Promise((resolve) => this.#child.once('close', resolve))
  }

  /** Presses keys, and waits until this is shown; resolves to all that was shown up to it. */
  async press(keys: string, until: string): Promise<string> {
    this.#child.stdin?.write(keys)
    return this.shows(until)
  }

  async shows(until: string): Promise<string> {
    // A process of Node takes its time to start on a loaded machine.
    const deadline = Date.now() + 90_000
    for (;;) {
      const at = this.#shown.indexOf(until)
      if (at >= 0) {
        const shown = this.#shown.slice(0, at + until.length)
        this.#shown = this.#shown.slice(at + until.length)
        return shown
      }
      if (Date.now() > deadline) throw new Error(`"${until}" was not shown, but: ${this.#shown}`)
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), new Promise((resolve) => setTimeout(resolve, 1_000))])
    }
  }

  async leave(): Promise<number | null> {
    this.#child.stdin?.write(KEY.end)
    return this.ended
  }
}

/** The suite of `millrace query` on a server; `connect` starts it and gives its address. */
export function judgeQueryShell(connect: () => Promise<{ address: string } & AsyncDisposable>, keyspace: string): void {
  let server: { address: string } & AsyncDisposable
  const dir = mkdtempSync(join(tmpdir(), 'millrace-shell-'))
  const historyFile = join(dir, 'history')
  const query = (args: readonly string[], input = ''): { stdout: string; stderr: string; status: number | null } =>
    spawnSync(process.execPath, [bin, '--cassandra', server.address, ...args], { input, encoding: 'utf8', cwd: dir })

  beforeAll(async () => {
    server = await connect()
    const statements = `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
      CREATE TABLE ${keyspace}.users (id int PRIMARY KEY, name text, tags set<text>);
      BEGIN BATCH
        INSERT INTO ${keyspace}.users (id, name, tags) VALUES (1, 'Ada; "the first"', {'x', 'y'});
        INSERT INTO ${keyspace}.users (id, name) VALUES (2, 'Grace');
      APPLY BATCH; -- both
      INSERT INTO ${keyspace}.users (id) VALUES (3)`
    const made = query(['query', '-e', statements])
    expect(made.stderr).toBe('')
  }, 600_000)
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  })

  describe('in a script', () => {
    const select = `SELECT id, name, tags FROM ${keyspace}.users WHERE id IN (1, 2, 3)`

    test('rows come as a table, as JSON lines, as CSV, and as one document', { timeout: 180_000 }, () => {
      expect(query(['query', select]).stdout.split('\n')).toEqual([
        'id  name              tags',
        ' 1  Ada; "the first"  ["x","y"]',
        ' 2  Grace             -',
        ' 3  -                 -',
        '(3 rows)',
        '',
      ])
      const lines = query(['query', '--format', 'json'], `${select};`).stdout.trim().split('\n')
      expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
        { id: 1, name: 'Ada; "the first"', tags: ['x', 'y'] },
        { id: 2, name: 'Grace', tags: null },
        { id: 3, name: null, tags: null },
      ])
      expect(query(['query', '--format', 'csv', '-e', select]).stdout).toBe(
        'id,name,tags\r\n1,"Ada; ""the first""","[""x"",""y""]"\r\n2,Grace,\r\n3,,\r\n',
      )
      const whole: unknown = JSON.parse(query(['--json', 'query', select]).stdout)
      expect(whole).toMatchObject({ rows: [{ id: 1 }, { id: 2 }, { id: 3 }], pagingState: null })
      expect(query(['query', '--limit', '1', select]).stdout).toContain('(1 row')
    })

    test('the first statement that fails ends it, and the error points at the place', { timeout: 120_000 }, () => {
      const failed = query(['query'], `SELECT id FROM ${keyspace}.users WHERE id = 1;\n\nSELECT nope\n  FROM ${keyspace}.users; SELECT 2;`)
      expect(failed.status).toBe(70)
      expect(failed.stdout).toContain('(1 row)')
      expect(failed.stderr).toContain('Undefined column name nope')
      expect(failed.stderr).toContain('  SELECT nope\n         ^\n  at line 3, column 8')
      expect(query(['query', '-e', 'SELECT 1', '-f', 'x']).status).toBe(64)
    })
  })

  describe('on a terminal', { skip: script === null }, () => {
    test('takes statements of many lines, completes, pages, remembers, and goes on after errors', { timeout: 300_000 }, async () => {
      const terminal = new Terminal(server.address, historyFile)
      await terminal.shows('cql> ')
      await terminal.press(`use ${keyspace}\r`, `cql:${keyspace}> `)
      await terminal.press('SELECT id,\r', '...> ')
      const shown = await terminal.press('name FROM users WHERE id = 2;\r', '(1 row)')
      expect(shown).toContain('id  name\n 2  Grace\n')
      await terminal.press('\u0015DESCRIBE TABL\t', 'DESCRIBE TABLE')
      expect(await terminal.press(' users;\r', 'WITH')).toContain(`CREATE TABLE ${keyspace}.users (`)
      await terminal.shows(`cql:${keyspace}> `)
      expect(await terminal.press('SELECT na FROM users;\r', 'at line 1, column 8')).toContain('  SELECT na FROM users\n         ^')
      await terminal.press('PAGING 2\r', 'Pages have 2 rows.')
      await terminal.press('SELECT id FROM users;\r', '--more--')
      await terminal.press('q\r', '(2 rows, and there are more)')
      await terminal.press('EXPAND on\r', 'Expanded rows are on.')
      await terminal.press(`${KEY.up}${KEY.up}${KEY.up}`, 'SELECT id FROM users;')
      await terminal.press('\r', '@ row 1\nid')
      await terminal.press('\r', '(3 rows)')
      await terminal.shows(`cql:${keyspace}> `)
      await terminal.press('SELECT forgotten\r', '...> ')
      await terminal.press(KEY.interrupt, `cql:${keyspace}> `)
      await terminal.press('CONSISTENCY LOCAL_ONE\r', 'Consistency is LOCAL_ONE.')
      expect(await terminal.leave()).toBe(0)
      expect(existsSync(historyFile)).toBe(true)
      expect(readFileSync(historyFile, 'utf8')).toContain('SELECT id, name FROM users WHERE id = 2;\n')

      const again = new Terminal(server.address, historyFile)
      await again.shows('cql> ')
      await again.press(KEY.up, 'CONSISTENCY LOCAL_ONE')
      await again.press('\u0015EXIT\r', 'EXIT')
      expect(await again.ended).toBe(0)
    })
  })
}
