/** A cell: null where nothing stands between two commas; `""` is an empty text. */
export type CsvCell = string | null

/** A line of RFC 4180, its end included. */
export function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(csvCell).join(',')}\n`
}

function csvCell(cell: CsvCell): string {
  if (cell === null) return ''
  return cell === '' || /[",\r\n]/.test(cell) || cell !== cell.trim() ? `"${cell.replaceAll('"', '""')}"` : cell
}

type State = 'start' | 'bare' | 'quoted' | 'after'

/** Records of a CSV file, whatever the chunks. `line` is where a record begins. A quote that is not closed ends with the file. */
export async function* readCsv(chunks: AsyncIterable<string>): AsyncGenerator<{ line: number; cells: CsvCell[] }> {
  let cells: CsvCell[] = []
  let text = ''
  let state: State = 'start'
  let isQuoted = false
  let line = 1
  let begins = 1
  const endCell = (): void => {
    cells.push(text === '' && !isQuoted ? null : text)
    text = ''
    isQuoted = false
    state = 'start'
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const char = chunk[i]
      if (char === '\n') line++
      if (state === 'quoted') {
        if (char !== '"') continue
        text += chunk.slice(from, i)
        state = 'after'
      } else if (char === '"' && (state === 'start' || state === 'after')) {
        // A doubled quote within quotes is one.
        if (state === 'after') text += '"'
        isQuoted = true
        state = 'quoted'
        from = i + 1
      } else if (char === ',' || char === '\n' || char === '\r') {
        if (state === 'bare') text += chunk.slice(from, i)
        if (char === '\r') {
          state = state === 'bare' ? 'after' : state
          continue
        }
        const isEmptyLine = char === '\n' && cells.length === 0 && text === '' && !isQuoted
        endCell()
        if (char === '\n') {
          if (!isEmptyLine) yield { line: begins, cells }
          cells = []
          begins = line
        }
      } else if (state !== 'bare') {
        state = 'bare'
        from = i
      }
    }
    if (state === 'quoted' || state === 'bare') text += chunk.slice(from)
  }
  if (cells.length > 0 || text !== '' || isQuoted) {
    endCell()
    yield { line: begins, cells }
  }
}
