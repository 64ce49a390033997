/** A statement of an input, without its semicolon. */
export interface Statement {
  readonly text: string
  /** Of its first character in the input, from 1. */
  readonly line: number
}

export interface Split {
  readonly statements: readonly Statement[]
  /** What follows the last semicolon, when it is more than white space and comments. */
  readonly rest: Statement | null
}

/** Of CQL's lexis what may hold a semicolon, words, and semicolons; an opened quote that is not closed goes to the end. */
const pieces =
  /(?<space>\s+|--[^\n]*|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$\$[^]*?(?:\$\$|$)|(?<word>[A-Za-z_]\w*)|(?<end>;)|[^]/g

/** Cuts a text at the semicolons that end statements; those within quotes, comments and batches end none. */
export function splitStatements(text: string): Split {
  const statements: Statement[] = []
  let begin: number | null = null
  let words: string[] = []
  for (const { 0: piece, index, groups } of text.matchAll(pieces)) {
    if (groups?.space !== undefined) continue
    if (groups?.end !== undefined && !isOpenBatch(words)) {
      if (begin !== null) statements.push(statementAt(text, begin, index))
      begin = null
      words = []
      continue
    }
    begin ??= index
    if (groups?.word !== undefined) words.push(piece.toLowerCase())
  }
  return { statements, rest: begin === null ? null : statementAt(text, begin, text.length) }
}

function statementAt(text: string, begin: number, end: number): Statement {
  return { text: text.slice(begin, end).trimEnd(), line: text.slice(0, begin).split('\n').length }
}

/** `BEGIN [UNLOGGED|COUNTER] BATCH … APPLY BATCH`: semicolons stand between its statements. */
function isOpenBatch(words: readonly string[]): boolean {
  const opens = words[0] === 'begin' && (words[1] === 'batch' || words[2] === 'batch')
  return opens && !(words.at(-1) === 'batch' && words.at(-2) === 'apply')
}

/** Where an error's message points to in its statement: lines and columns from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The place that a server's message names (`line 1:7 …`), or that of the name which it does not know; null when it tells of none. */
export function placeOf(statement: string, message: string): Place | null {
  const [, line, column] = /\bline (\d+):(\d+)/.exec(message) ?? []
  if (line !== undefined && column !== undefined) return { line: Number(line), column: Number(column) + 1 }
  const unknown =
    /(?:[Uu]ndefined column name|[Uu]nconfigured table|[Uu]nknown (?:function|property|identifier)|[Kk]eyspace) '?"?([\w.]+)/.exec(
      message,
    )?.[1]
  if (unknown === undefined) return null
  const name = unknown.split('.').at(-1) ?? unknown
  const at = statement.search(new RegExp(String.raw`\b${name}\b`, 'i'))
  if (at < 0) return null
  const before = statement.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

/** The line that a place is on, and a caret below it. */
export function pointAt(statement: string, { line, column }: Place): string {
  const text = statement.split('\n')[line - 1]
  if (text === undefined) return ''
  const shown = text.replaceAll('\t', ' ')
  return `  ${shown}\n  ${' '.repeat(Math.min(column - 1, shown.length))}^`
}
