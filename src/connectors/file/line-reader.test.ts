import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRow, type Cell } from './csv-row.ts'
import { LineReader, type LineReaderOptions, type ReadableFile } from './line-reader.ts'

/** A file in memory that gives at most `most` bytes a read. */
function fileOf(content: Uint8Array, most: number): ReadableFile {
  return {
    read: (buffer, offset, length, position) => {
      const bytes = content.subarray(position, position + Math.min(length, most))
      buffer.set(bytes, offset)
      return Promise.resolve({ bytesRead: bytes.byteLength, buffer })
    },
  }
}

type Some = Partial<Omit<LineReaderOptions, 'handle'>> & { most?: number }

function readerOf(content: string, { most = 7, ...options }: Some = {}): LineReader {
  const bytes = Buffer.from(content)
  return new LineReader({ handle: fileOf(bytes, most), offset: 0, end: bytes.byteLength, maxLineBytes: 1000, delimiter: null, ...options })
}

async function linesOf(reader: LineReader) {
  const lines: { text: string; offset: number; next: number; isTooLong: boolean; lineEnds: number }[] = []
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    const { bytes, ...rest } = line
    lines.push({ text: Buffer.from(bytes).toString(), ...rest })
  }
  return lines
}

test('lines are what stands before each line end, whatever the reads give', async () => {
  const content = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll(/[\r\n]/g, '')))
  await fc.assert(
    fc.asyncProperty(content, fc.constantFrom('\n', '\r\n'), fc.nat(9), async (texts, lineEnd, most) => {
      const reader = readerOf(texts.map((text) => text + lineEnd).join(''), { most: most + 1 })
      const lines = await linesOf(reader)
      expect(lines.map(({ text }) => text)).toEqual(texts)
      expect(lines.map(({ offset }) => offset)).toEqual([0, ...lines.map(({ next }) => next)].slice(0, lines.length))
    }),
  )
})

test('what has no line end yet waits, and is told apart from what comes after the end asked for', async () => {
  const reader = readerOf('one\ntwo')
  expect((await linesOf(reader)).map(({ text }) => text)).toEqual(['one'])
  expect(reader.offset).toBe(4)
  expect(Buffer.from(reader.rest()?.bytes ?? []).toString()).toBe('two')
  expect((await linesOf(readerOf('one\ntwo\nthree\n', { end: 8 }))).map(({ text }) => text)).toEqual(['one', 'two'])
})

test('a line that is too long comes with its beginning, and the next one is whole', async () => {
  const lines = await linesOf(readerOf(`a\n${'x'.repeat(50)}\nb\n`, { maxLineBytes: 10 }))
  expect(lines).toEqual([
    { text: 'a', offset: 0, next: 2, isTooLong: false, lineEnds: 1 },
    { text: 'x'.repeat(10), offset: 2, next: 53, isTooLong: true, lineEnds: 1 },
    { text: 'b', offset: 53, next: 55, isTooLong: false, lineEnds: 1 },
  ])
})

test('one that is too long and has no end yet is met again from its beginning', async () => {
  const reader = readerOf('x'.repeat(50), { maxLineBytes: 10 })
  expect(await reader.next()).toBeNull()
  expect([reader.offset, reader.rest()]).toEqual([0, null])
})

const cell = fc.oneof(fc.constant<Cell>(null), fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', 'ø', ' '), maxLength: 6 }))
const quoted = (text: Cell): string => (text === null ? '' : `"${text.replaceAll('"', '""')}"`)
const bare = (text: Cell): string => (text === null || text === '' || /[",\r\n]/.test(text) ? quoted(text) : text)

test('rows of CSV come back as they were written, quotes, delimiters and line ends within quotes included', async () => {
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }))
  await fc.assert(
    fc.asyncProperty(rows, fc.boolean(), fc.nat(9), async (rows, areQuoted, most) => {
      const written = rows.map((row) => `${row.map(areQuoted ? quoted : bare).join(',')}\r\n`).join('')
      const lines = await linesOf(readerOf(written, { most: most + 1, delimiter: 0x2c }))
      expect(lines.map(({ text }) => readRow(text, ','))).toEqual(rows.map((cells) => ({ ok: true, cells })))
      expect(lines.reduce((sum, { lineEnds }) => sum + lineEnds, 0)).toBe(written.split('\n').length - 1)
    }),
  )
})

test('a quote that is never closed costs its own line alone', async () => {
  const lines = await linesOf(readerOf(`a,"b\nc,d\n${'e,f\n'.repeat(9)}`, { maxLineBytes: 20, delimiter: 0x2c }))
  expect(lines.map(({ text, isTooLong }) => [text, isTooLong]).slice(0, 3)).toEqual([
    ['a,"b', true],
    ['c,d', false],
    ['e,f', false],
  ])
  expect(lines).toHaveLength(11)
})

test.each([
  ['a,"b', 'the quote of cell 2 is not closed'],
  ['"a"b,c', 'behind the quotes of cell 1 there is something else than a delimiter'],
  ['5" pipe,c', 'cell 1 holds a quote and is not in quotes'],
])('%s is no row: %s', (row, problem) => {
  expect(readRow(row, ',')).toEqual({ ok: false, problem })
})
