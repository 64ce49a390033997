/** A cell: null where nothing stands between two delimiters, `""` is an empty text: as `millrace tables export` writes them. */
export type Cell = string | null

export type Row = { ok: true; cells: Cell[] } | { ok: false; problem: string }

/** The cells of one row (RFC 4180), its line end taken off. */
export function readRow(row: string, delimiter: string): Row {
  const cells: Cell[] = []
  for (let at = 0; ;) {
    if (row[at] === '"') {
      const cell = quotedCell(row, at + 1)
      if (cell === null) return { ok: false, problem: `the quote of cell ${cells.length + 1} is not closed` }
      if (cell.next < row.length && row[cell.next] !== delimiter)
        return { ok: false, problem: `behind the quotes of cell ${cells.length + 1} there is something else than a delimiter` }
      cells.push(cell.text)
      at = cell.next
    } else {
      const found = row.indexOf(delimiter, at)
      const end = found < 0 ? row.length : found
      const text = row.slice(at, end)
      if (text.includes('"')) return { ok: false, problem: `cell ${cells.length + 1} holds a quote and is not in quotes` }
      cells.push(text === '' ? null : text)
      at = end
    }
    if (at >= row.length) return { ok: true, cells }
    at++
  }
}

/** A doubled quote within quotes is one. Null: there is no closing one. */
function quotedCell(row: string, from: number): { text: string; next: number } | null {
  let text = ''
  for (let at = from; ;) {
    const end = row.indexOf('"', at)
    if (end < 0) return null
    text += row.slice(at, end)
    if (row[end + 1] !== '"') return { text, next: end + 1 }
    text += '"'
    at = end + 2
  }
}
