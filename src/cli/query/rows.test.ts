import { expect, test } from 'vitest'
import { formatExpanded, formatRows } from './rows.ts'

const page = {
  columns: [
    { name: 'id', type: 'int' },
    { name: 'note', type: 'text' },
    { name: 'tags', type: 'set<text>' },
  ],
  rows: [
    { id: 7, note: 'a "b",\nc', tags: ['x', 'y'] },
    { id: 11, note: '', tags: null },
  ],
}

test('rows as a table have a header, numbers to the right, and one line each', () => {
  expect(formatRows('table', page, true)).toBe(['id  note       tags', ' 7  a "b",\\nc  ["x","y"]', '11             -', ''].join('\n'))
})

test('rows as JSON are a document a line', () => {
  const lines = formatRows('json', page, true).trimEnd().split('\n')
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(page.rows)
})

test('rows as CSV quote what needs it, tell null from the empty text, and have their names once', () => {
  expect(formatRows('csv', page, true)).toBe('id,note,tags\r\n7,"a ""b"",\nc","[""x"",""y""]"\r\n11,"",\r\n')
  expect(formatRows('csv', page, false)).not.toContain('note')
})

test('expanded rows have a line a column', () => {
  expect(formatExpanded({ ...page, rows: page.rows.slice(0, 1) }, 3)).toBe('@ row 3\nid    7\nnote  a "b",\\nc\ntags  ["x","y"]\n')
})
