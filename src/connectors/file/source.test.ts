import { appendFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Json } from '../../core/index.ts'
import type { Clock } from '../../platform/index.ts'
import { takePages } from '../conformance/take-pages.ts'
import { jumpingClock } from '../http/scripted-server.ts'
import { resolveFileTail, type FileTailOptions } from './options.ts'
import { openFileTail } from './source.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const at = (name: string): string => join(folder, name)
const numbers = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `${JSON.stringify({ n: from + i })}\n`).join('')

type Some = Partial<FileTailOptions> & { clock?: Clock }

function tail({ clock = jumpingClock(), ...options }: Some = {}) {
  const log: string[] = []
  const resolved = resolveFileTail('lines', { path: 'app.log', format: 'ndjson', ...options })
  const source = openFileTail('lines', resolved, { clock, folder, log: (line) => log.push(line) })
  return { source, log }
}

/** What one run reads from a cursor on, as the runner would: whatever it was given before it failed is committed. */
async function run(options: Some = {}, cursor: Json = null) {
  const { source, log } = tail(options)
  const records: Record<string, unknown>[] = []
  const labels: string[] = []
  let last = cursor
  let error: unknown = null
  try {
    await takePages(source, cursor, {
      onPage: (page) => {
        records.push(...page.records)
        last = page.cursor
        if ('label' in page) labels.push(String(page.label))
      },
    })
  } catch (thrown) {
    error = thrown
  }
  return { records, cursor: last, log, error, labels, ns: records.map((record) => record['n']) }
}

test('lines are records, and the next run goes on at the first that was not read', async () => {
  writeFileSync(at('app.log'), numbers(1, 5))
  const first = await run({ records: 2 })
  expect(first.ns).toEqual([1, 2, 3, 4, 5])
  expect(first.labels).toEqual(['app.log@0', 'app.log@16', 'app.log@32'])
  appendFileSync(at('app.log'), `\n${numbers(6, 7)}\r\n`)
  expect((await run({}, first.cursor)).ns).toEqual([6, 7])
})

test('numbers that no double holds come as their digits', async () => {
  writeFileSync(at('app.log'), '{"id":9007199254740993,"price":0.1}\n')
  expect((await run()).records).toEqual([{ id: '9007199254740993', price: 0.1 }])
})

test('a last line without its end waits for it, and is told', async () => {
  writeFileSync(at('app.log'), `${numbers(1, 2)}{"n":`)
  const first = await run()
  expect(first.ns).toEqual([1, 2])
  expect(first.log).toEqual(['app.log: the last 5 bytes have no line end yet, and wait for it'])
  appendFileSync(at('app.log'), '3}\n')
  expect((await run({}, first.cursor)).ns).toEqual([3])
})

test('where files are whole, a last line without its end is one', async () => {
  writeFileSync(at('app.log'), '{"n":1}\n{"n":2}')
  const first = await run({ lastLine: 'take' })
  expect(first.ns).toEqual([1, 2])
  expect((await run({ lastLine: 'take' }, first.cursor)).ns).toEqual([])
})

test('CSV: the first row names the columns; cells are text, null where nothing stands', async () => {
  const rows = 'id,name,note\r\n1,"Ole ""Pop"" Nilsen","two\r\nlines"\r\n2,,""\r\n'
  writeFileSync(at('people.csv'), `\uFEFF${rows}`)
  const first = await run({ path: 'people.csv', format: 'csv', records: 1 })
  expect(first.records).toEqual([
    { id: '1', name: 'Ole "Pop" Nilsen', note: 'two\r\nlines' },
    { id: '2', name: null, note: '' },
  ])
  appendFileSync(at('people.csv'), '3,Kari,\r\n')
  expect((await run({ path: 'people.csv', format: 'csv' }, first.cursor)).records).toEqual([{ id: '3', name: 'Kari', note: null }])
})

test('CSV without a row of names, with a delimiter of its own', async () => {
  writeFileSync(at('people.csv'), '1;Ole\n2;Kari\n')
  const read = await run({ path: 'people.csv', format: 'csv', columns: ['id', 'name'], delimiter: ';' })
  expect(read.records).toEqual([
    { id: '1', name: 'Ole' },
    { id: '2', name: 'Kari' },
  ])
})

test('a first row that names a column twice is told', async () => {
  writeFileSync(at('people.csv'), 'id,id\n1,2\n')
  const { error } = await run({ path: 'people.csv', format: 'csv' })
  expect(String(error)).toContain('people.csv:1: the first row names the columns, and two columns are named "id"')
})

test('a file that is renamed is read to its end before the one in its place', async () => {
  writeFileSync(at('app.log'), numbers(1, 2))
  const first = await run()
  appendFileSync(at('app.log'), numbers(3, 4))
  renameSync(at('app.log'), at('app.log.1'))
  writeFileSync(at('app.log'), numbers(5, 6))
  const second = await run({}, first.cursor)
  expect([second.ns, second.labels]).toEqual([
    [3, 4, 5, 6],
    ['app.log.1@16', 'app.log@0'],
  ])
  // Whoever writes may have it open for a while.
  appendFileSync(at('app.log.1'), numbers(7, 7))
  renameSync(at('app.log.1'), at('app.log.2'))
  const third = await run({}, second.cursor)
  expect([third.ns, third.labels, third.log]).toEqual([[7], ['app.log.2@32'], []])
  unlinkSync(at('app.log.2'))
  const fourth = await run({}, third.cursor)
  expect([fourth.ns, fourth.log]).toEqual([[], ['app.log.2 is gone; it was read to byte 40']])
})

test('files of a glob that change names among themselves are each read once', async () => {
  writeFileSync(at('app.log'), numbers(1, 2))
  const first = await run({ path: 'app.log*' })
  renameSync(at('app.log'), at('app.log.1'))
  writeFileSync(at('app.log'), numbers(3, 4))
  symlinkSync(at('app.log'), at('app.log.now'))
  const second = await run({ path: 'app.log*' }, first.cursor)
  expect(second.ns).toEqual([3, 4])
  renameSync(at('app.log.1'), at('app.log.2'))
  renameSync(at('app.log'), at('app.log.1'))
  writeFileSync(at('app.log'), numbers(5, 6))
  expect((await run({ path: 'app.log*' }, second.cursor)).ns).toEqual([5, 6])
})

test('a file that was cut is told, and read from its beginning', async () => {
  writeFileSync(at('app.log'), numbers(1, 3))
  const first = await run()
  truncateSync(at('app.log'))
  appendFileSync(at('app.log'), numbers(4, 4))
  const second = await run({}, first.cursor)
  expect(second.ns).toEqual([4])
  expect(second.log[0]).toContain('app.log was cut to 8 bytes since it was read to byte 24: it is read from its beginning')
})

test('one that was cut and grew beyond where it was read is known by its beginning', async () => {
  writeFileSync(at('app.log'), numbers(1, 2))
  const first = await run()
  truncateSync(at('app.log'))
  appendFileSync(at('app.log'), numbers(3, 9))
  const second = await run({}, first.cursor)
  expect(second.ns).toEqual([3, 4, 5, 6, 7, 8, 9])
  expect(second.log[0]).toContain('begins with other bytes since it was read to byte 16')
})

test('a bad line fails the run with its file and line, once what is before it is committed', async () => {
  writeFileSync(at('app.log'), `${numbers(1, 2)}\n[3]\n${numbers(4, 4)}`)
  const first = await run()
  expect(first.ns).toEqual([1, 2])
  expect(first.error).toMatchObject({ code: 'RECORD_DECODE', retriable: false, details: { source: 'lines', where: 'app.log:4' } })
  expect(String(first.error)).toContain(
    'Source lines, app.log:4: it is JSON, but no object. Mend it, or say with onBadLine what becomes of it.',
  )
  const again = await run({}, first.cursor)
  expect([again.ns, String(again.error)]).toEqual([[], String(first.error)])
  const skipping = await run({ onBadLine: 'skip' }, first.cursor)
  expect([skipping.ns, skipping.error]).toEqual([[4], null])
})

test('bad lines that are skipped are told, and counted at the end', async () => {
  writeFileSync(at('app.log'), `${'nonsense\n'.repeat(7)}${numbers(1, 1)}`)
  const { ns, log } = await run({ onBadLine: 'skip' })
  expect(ns).toEqual([1])
  expect(log).toHaveLength(6)
  expect(log[0]).toMatch(/^app\.log:1: it is no JSON: .*; left out$/)
  expect(log.at(-1)).toBe('lines: 7 bad ones left out in this run')
})

test('the author can make a record of a bad line, or leave it out', async () => {
  const lines = [`{"n":1}`, `"${'x'.repeat(60)}"`, 'id', '{"n":2}']
  writeFileSync(at('app.log'), lines.map((line) => `${line}\n`).join(''))
  const { records, log } = await run({
    maxLineBytes: 50,
    onBadLine: ({ file, line, offset, text, problem }) => (text === 'id' ? null : { file, line, offset, text, problem }),
  })
  const tooLong = { file: 'app.log', line: 2, offset: 8, text: `"${'x'.repeat(49)}`, problem: 'it is longer than 50 bytes (maxLineBytes)' }
  expect(records).toEqual([{ n: 1 }, tooLong, { n: 2 }])
  expect(log.at(-1)).toBe('lines: 1 bad one left out in this run')
})

test('a row of CSV with too few cells, and one that is no UTF-8, are bad lines', async () => {
  writeFileSync(at('people.csv'), Buffer.concat([Buffer.from('a,b\n1\n'), Buffer.from([0xff, 0x2c, 0x31, 0x0a]), Buffer.from('1,2\n')]))
  const { records, log } = await run({ path: 'people.csv', format: 'csv', onBadLine: 'skip' })
  expect(records).toEqual([{ a: '1', b: '2' }])
  expect(log.slice(0, 2)).toEqual([
    'people.csv:2: it has 1 cells, and there are 2 columns; left out',
    'people.csv:3: it is no UTF-8; left out',
  ])
})

/** A clock on which something happens with each sleep. */
function clockWith(...happenings: (() => void)[]): Clock {
  const clock = jumpingClock()
  return { ...clock, sleep: (ms, signal) => clock.sleep(ms, signal).then(() => happenings.shift()?.()) }
}

test('it follows what is written, through a rotation, for as long as it is told to', async () => {
  const clock = clockWith(
    () => appendFileSync(at('app.log'), numbers(2, 3)),
    () => {
      appendFileSync(at('app.log'), numbers(4, 4))
      renameSync(at('app.log'), at('app.log.1'))
    },
    () => writeFileSync(at('app.log'), numbers(5, 5)),
  )
  writeFileSync(at('app.log'), numbers(1, 1))
  const { ns, log } = await run({ for: '6s', every: '1s', clock })
  expect(ns).toEqual([1, 2, 3, 4, 5])
  expect(log).toEqual([])
})

test('it waits for a file that is not there yet only when it follows', async () => {
  expect(String((await run()).error)).toContain('Source lines: app.log: there is no such file.')
  const clock = clockWith(() => writeFileSync(at('app.log'), numbers(1, 1)))
  const { ns, log } = await run({ for: '3s', clock })
  expect([ns, log]).toEqual([[1], ['no file is at app.log yet']])
  expect((await run({ path: '*.json' })).log).toEqual(['no file is at *.json yet'])
})

test('files are read in the order of their names, and only the lines that were there when the run began', async () => {
  for (const name of ['b', 'a', 'c']) writeFileSync(at(`${name}.log`), `{"n":"${name}"}\n`)
  const { source } = tail({ path: '*.log' })
  const pages = await takePages(source, null, { onPage: () => appendFileSync(at('c.log'), '{"n":"later"}\n') })
  expect(pages.flatMap(({ records }) => records)).toEqual([{ n: 'a' }, { n: 'b' }, { n: 'c' }])
})

test('a cursor of another kind of source is refused', async () => {
  expect(String((await run({}, { page: 1 })).error)).toContain('does not fit what it reads now')
})

test.each<[object, string]>([
  [{ format: 'ndjson' }, 'path is required'],
  [{ path: 'a', format: 'xml' }, "format must be 'ndjson' or 'csv'"],
  [{ path: 'a', format: 'csv', delimiter: '"' }, 'delimiter must be one ASCII character, and no quote'],
  [{ path: 'a', format: 'csv', columns: ['id', 'id'] }, 'columns names a column twice'],
  [{ path: 'a', format: 'ndjson', delimiter: ';' }, "delimiter is an option of format: 'csv'"],
  [{ path: 'a', format: 'csv', follow: 'yes' }, 'follow must be true or false'],
  [{ path: 'a', format: 'csv', onBadLine: 'stop' }, "onBadLine must be 'fail', 'skip' or a function"],
])('options that cannot be are named: %j', (options, problem) => {
  expect(() => resolveFileTail('lines', options)).toThrow(problem)
})
